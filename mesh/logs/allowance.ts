/**
 * What each peer may read: so many questions and bytes a second, saved up for a while. Who asks for more is answered
 * later, and as it has a few channels at most, that is all that a flood comes to. Pure: every call is handed the time.
 */
import { TokenBucket } from '../../core/index.ts'
import type { NodeId } from '../transport/index.ts'
import { logWireLimits as limits } from './limits.ts'

interface Account {
  readonly bytes: TokenBucket
  readonly questions: TokenBucket
}

export class Allowances {
  readonly #accounts = new Map<NodeId, Account>()

  /** Takes a question and a whole page. @param now monotonic ms @returns after how long it may be answered, ms */
  ask(peer: NodeId, now: number): number {
    const { bytes, questions } = this.#accountOf(peer)
    const waitMs = Math.max(bytes.waitMs(now), questions.waitMs(now))
    bytes.take(limits.pageBytes, now)
    questions.take(1, now)
    return waitMs
  }

  /**
   * So many bytes are about to be looked through for a question, which counts as a part of that many read.
   * @param now monotonic ms @returns after how long that may be done, ms
   */
  scanned(peer: NodeId, scannedBytes: number, now: number): number {
    const { bytes } = this.#accountOf(peer)
    bytes.take(scannedBytes / limits.scannedPerByte, now)
    return bytes.waitMs(now)
  }

  /**
   * Settles what an answer came to: its page, or a part of what was looked through to fill it where that is more.
   * @param now monotonic ms
   */
  answered(peer: NodeId, pageBytes: number, scannedBytes: number, now: number): void {
    const { bytes } = this.#accountOf(peer)
    const used = Math.max(pageBytes, scannedBytes / limits.scannedPerByte)
    if (used < limits.pageBytes) bytes.giveBack(limits.pageBytes - used)
    else bytes.take(used - limits.pageBytes, now)
  }

  #accountOf(peer: NodeId): Account {
    const known = this.#accounts.get(peer)
    if (known !== undefined) return known
    // Beyond what is remembered, members share one account.
    const key = this.#accounts.size < limits.peers ? peer : ''
    const account = this.#accounts.get(key) ?? {
      bytes: new TokenBucket(limits.bytesPerSecond, limits.burstMs),
      questions: new TokenBucket(limits.questionsPerSecond, limits.burstMs),
    }
    this.#accounts.set(key, account)
    return account
  }
}
