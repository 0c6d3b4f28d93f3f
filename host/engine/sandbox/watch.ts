/**
 * Sees that a sandbox does not take longer than it may: to be loaded, and for the call that runs.
 *
 * A timer that comes late says that this thread stood still, and a guest that asked something of it with it: a machine
 * that is starved or slept, a laptop that was closed. What the guest has answered since lies unread, so it gets its time again, once.
 */
import type { Cancel, Clock } from '../../../core/index.ts'
import type { Incident } from '../contract.ts'
import type { CallQueue } from './call-queue.ts'
import type { SandboxLink } from './link.ts'
import type { PendingCall } from './pending-call.ts'

export interface WatchNeeds {
  readonly clock: Clock
  readonly calls: CallQueue
  /** For one call, ms. */
  readonly deadlineMs: number
  link(): Pick<SandboxLink, 'begun' | 'isHeldUp'>
  end(incident: Incident): void
}

export class Watch {
  readonly #needs: WatchNeeds
  /** When the call that runs became the oldest, of the monotonic clock. */
  #headSinceMs = 0
  /** Of the call that runs. */
  #mayRepeat = true
  #cancel: Cancel | null = null

  constructor(needs: WatchNeeds) {
    this.#needs = needs
  }

  /** Ms since the call that runs became the oldest. */
  get headMs(): number {
    return this.#needs.clock.monotonicMs() - this.#headSinceMs
  }

  /** What the call that runs still has, ms. */
  get leftMs(): number {
    return this.#needs.deadlineMs - this.headMs
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = null
  }

  /** One step of its start. @param what it was not, in words */
  step(ms: number, what: string): void {
    this.stop()
    this.#step(ms, what, true)
  }

  #step(ms: number, what: string, mayRepeat: boolean): void {
    this.#cancel = this.#after(ms, (isLate) => {
      if (isLate && mayRepeat) return this.#step(ms, what, false)
      const message = `${what} within ${ms} ms`
      if (!this.#needs.link().isHeldUp()) this.#needs.end({ reason: 'deadline', message })
      else this.#needs.end({ reason: 'neighbour', message: `${message}; ${heldUp}` })
    })
  }

  /** The call that runs is another one: its time begins now. One timer serves them all. */
  newHead(): void {
    this.#headSinceMs = this.#needs.clock.monotonicMs()
    this.#mayRepeat = true
    if (this.#cancel === null) this.#watchHead(this.#needs.deadlineMs)
  }

  #watchHead(ms: number): void {
    const { calls, clock, deadlineMs } = this.#needs
    this.#cancel = this.#after(ms, (isLate) => {
      this.#cancel = null
      const { head } = calls
      if (head === null) return
      const nowMs = clock.monotonicMs()
      const leftMs = this.#headSinceMs + deadlineMs - nowMs
      if (leftMs > 0) return this.#watchHead(leftMs)
      if (!isLate || !this.#mayRepeat) return this.#needs.end(this.#incidentOf(head))
      this.#mayRepeat = false
      this.#headSinceMs = nowMs
      this.#watchHead(deadlineMs)
    })
  }

  #after(ms: number, run: (isLate: boolean) => void): Cancel {
    const { clock } = this.#needs
    const boundedMs = Math.min(ms, longestTimerMs)
    const dueMs = clock.monotonicMs() + boundedMs
    return clock.after(boundedMs, () => run(clock.monotonicMs() - dueMs >= lateMs))
  }

  #incidentOf(head: PendingCall): Incident {
    const { deadlineMs } = this.#needs
    const link = this.#needs.link()
    const begun = link.begun()
    if (link.isHeldUp() && begun !== null && begun < head.call) {
      const message = `${head.what} was not begun within ${deadlineMs} ms; ${heldUp}`
      return { reason: 'neighbour', message }
    }
    const message = `${head.what} did not return within ${deadlineMs} ms${argumentsOf(head)}`
    return { reason: 'deadline', message }
  }
}

/** A timer that is this late was held up. On a busy machine they are late by tens of ms. */
const lateMs = 250

/** What a timer can hold; what waits longer (no deadline is Infinity) looks again then. */
const longestTimerMs = 0x7fff_ffff

const heldUp = 'another app held the thread that it shares'

export function argumentsOf({ argsBytes }: PendingCall): string {
  return `, called with about ${argsBytes} bytes`
}
