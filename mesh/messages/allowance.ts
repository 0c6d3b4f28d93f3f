/**
 * What each peer may send: so many messages and bytes a second, saved up for a while. Who is told to wait and does not is
 * told of as a flood. Pure: every call is handed the time.
 */
import { TokenBucket } from '../../core/index.ts'
import type { NodeId } from '../transport/index.ts'
import { messageWireLimits as limits } from './limits.ts'

interface Account {
  readonly bytes: TokenBucket
  readonly messages: TokenBucket
  /** It was told to wait until then. */
  waitsUntilMs: number
  /** How often it sent before, and when it did so last. */
  ignored: number
  ignoredMs: number
}

export type Allowed =
  | { readonly isAllowed: true }
  /** `isFlood` once each time that it did not wait too often. */
  | { readonly isAllowed: false; readonly waitMs: number; readonly isFlood: boolean }

export class Allowances {
  readonly #accounts = new Map<NodeId, Account>()

  /** @param now monotonic ms */
  ask(peer: NodeId, messages: number, bytes: number, now: number): Allowed {
    const account = this.#accountOf(peer)
    const waitMs = Math.max(account.bytes.waitMs(now), account.messages.waitMs(now))
    if (waitMs > 0) {
      const isFlood = now < account.waitsUntilMs && this.#ignored(account, now)
      account.waitsUntilMs = now + waitMs
      return { isAllowed: false, waitMs, isFlood }
    }
    account.bytes.take(bytes, now)
    account.messages.take(messages, now)
    return { isAllowed: true }
  }

  /** @returns whether that was once too often */
  #ignored(account: Account, now: number): boolean {
    if (now - account.ignoredMs > limits.burstMs) account.ignored = 0
    account.ignored += 1
    account.ignoredMs = now
    if (account.ignored < limits.ignoredWaits) return false
    account.ignored = 0
    return true
  }

  #accountOf(peer: NodeId): Account {
    const known = this.#accounts.get(peer)
    if (known !== undefined) return known
    // Beyond what is remembered, members share one account.
    const key = this.#accounts.size < limits.peers ? peer : ''
    const account = this.#accounts.get(key) ?? {
      bytes: new TokenBucket(limits.bytesPerSecond, limits.burstMs),
      messages: new TokenBucket(limits.messagesPerSecond, limits.burstMs),
      waitsUntilMs: 0,
      ignored: 0,
      ignoredMs: 0,
    }
    this.#accounts.set(key, account)
    return account
  }
}
