/** What one peer may cost in messages and in signatures to verify; a flood of either ends at the border. */
import type { NodeId } from '../identity/index.ts'

const messages = { burst: 400, perSecond: 100 }
/** The death of a whole site is some hundred statements at once. */
const signatures = { burst: 1_000, perSecond: 50 }
const tellAgainMs = 10_000
/** Peers that are counted at one time; connections are fewer. */
const maxPeers = 1_024

interface Purse {
  messages: number
  signatures: number
  filledMs: number
  toldMs: number
}

export class PeerBudget {
  readonly #purses = new Map<NodeId, Purse>()

  takeMessage(peer: NodeId, nowMs: number): boolean {
    const purse = this.#purse(peer, nowMs)
    if (purse.messages < 1) return false
    purse.messages--
    return true
  }

  takeSignature(peer: NodeId, nowMs: number): boolean {
    const purse = this.#purse(peer, nowMs)
    if (purse.signatures < 1) return false
    purse.signatures--
    return true
  }

  /** Whether to tell of it: once in a while. */
  isFirst(peer: NodeId, nowMs: number): boolean {
    const purse = this.#purse(peer, nowMs)
    if (nowMs - purse.toldMs < tellAgainMs) return false
    purse.toldMs = nowMs
    return true
  }

  #purse(peer: NodeId, nowMs: number): Purse {
    let purse = this.#purses.get(peer)
    if (purse === undefined) {
      purse = {
        messages: messages.burst,
        signatures: signatures.burst,
        filledMs: nowMs,
        toldMs: -Infinity,
      }
      this.#purses.set(peer, purse)
      const [oldest] = this.#purses.keys()
      if (this.#purses.size > maxPeers && oldest !== undefined) this.#purses.delete(oldest)
    }
    const seconds = (nowMs - purse.filledMs) / 1_000
    purse.filledMs = nowMs
    purse.messages = Math.min(messages.burst, purse.messages + seconds * messages.perSecond)
    purse.signatures = Math.min(signatures.burst, purse.signatures + seconds * signatures.perSecond)
    return purse
  }
}
