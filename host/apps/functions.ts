/** The way to an app's functions, whichever instance answers: calls go to the newest, the old one ends those it has. */
import type { Clock } from '../../core/index.ts'
import type { AppPool, CallTerms } from '../engine/index.ts'
import { Attendance, type Post } from './attendance.ts'
import type { CheckedCalls } from './checked-calls.ts'
import type { Returned } from './written-calls.ts'

/** Instances that take calls, and the functions that they have. */
export interface CalledInstances {
  readonly pool: Pick<AppPool, 'lease'>
  readonly functions: CheckedCalls
}

export interface FunctionTerms extends CallTerms {
  /** Aborted when nobody waits any more: what has not begun then does not begin. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Calls one function that the component exports, or one of those that every app answers (`writtenInterface`).
 * @throws ERR_CALL_FUNCTION, ERR_CALL_ARGUMENTS; as {@link AppPool.call}
 */
export type CallFunction = (
  target: string,
  args: readonly unknown[],
  terms?: FunctionTerms,
) => Promise<Returned>

export class AppFunctions extends Attendance<CalledInstances> {
  readonly #clock: Clock

  constructor(clock: Clock) {
    super()
    this.#clock = clock
  }

  /** null while no instance takes calls. */
  get call(): CallFunction | null {
    const { post } = this
    return post === null ? null : (target, args, terms = {}) => this.#call(post, target, args, terms)
  }

  async #call(
    post: Post<CalledInstances>,
    target: string,
    args: readonly unknown[],
    terms: FunctionTerms,
  ): Promise<Returned> {
    post.underWay += 1
    try {
      return await post.way.functions.answer(target, args, (checked, values) =>
        this.#perform(post.way.pool, checked, values, terms),
      )
    } finally {
      this.done(post)
    }
  }

  async #perform(
    pool: CalledInstances['pool'],
    target: string,
    args: readonly unknown[],
    { deadlineMs, hops, signal }: FunctionTerms,
  ): Promise<Returned> {
    const clock = this.#clock
    const askedMs = clock.monotonicMs()
    let lentMs = askedMs
    const use: Parameters<AppPool['lease']>[0] = (sandbox) => {
      signal?.throwIfAborted()
      lentMs = clock.monotonicMs()
      const leftMs = deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - (lentMs - askedMs))
      return sandbox.call(target, args, {
        ...(leftMs !== undefined && { deadlineMs: leftMs }),
        ...(hops !== undefined && { hops }),
      })
    }
    const value = await pool.lease(use, { mayRepeat: true })
    return { value, queueMs: lentMs - askedMs, runMs: clock.monotonicMs() - lentMs }
  }
}
