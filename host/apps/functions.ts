/** The way to an app's functions, whichever instance answers: calls go to the newest, the old one ends those it has. */
import type { Clock } from '../../core/index.ts'
import type { AppPool } from '../engine/index.ts'
import { Attendance, type Post } from './attendance.ts'

type Leasing = Pick<AppPool, 'lease'>

export interface Returned {
  readonly value: unknown
  /** That it waited for an instance, and that this one took, ms. */
  readonly queueMs: number
  readonly runMs: number
}

/** @throws as {@link AppPool.call} */
export type CallFunction = (target: string, args: readonly unknown[]) => Promise<Returned>

export class AppFunctions extends Attendance<Leasing> {
  readonly #clock: Clock

  constructor(clock: Clock) {
    super()
    this.#clock = clock
  }

  /** null while no instance takes calls. */
  get call(): CallFunction | null {
    const { post } = this
    return post === null ? null : (target, args) => this.#call(post, target, args)
  }

  async #call(post: Post<Leasing>, target: string, args: readonly unknown[]): Promise<Returned> {
    const clock = this.#clock
    const askedMs = clock.monotonicMs()
    let lentMs = askedMs
    post.underWay += 1
    try {
      const use: Parameters<AppPool['lease']>[0] = (sandbox) => {
        lentMs = clock.monotonicMs()
        return sandbox.call(target, args)
      }
      const value = await post.way.lease(use, { mayRepeat: true })
      return { value, queueMs: lentMs - askedMs, runMs: clock.monotonicMs() - lentMs }
    } finally {
      this.done(post)
    }
  }
}
