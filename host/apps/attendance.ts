/** Which instance of an app takes what comes, and what it and those before it still have under way. */

interface Post<Way> {
  readonly instance: number
  readonly way: Way
  underWay: number
  readonly whenIdle: (() => void)[]
}

export class Attendance<Way> {
  #post: Post<Way> | null = null
  readonly #former = new Map<number, Post<Way>>()

  /** What comes goes to this instance from now on. */
  attach(instance: number, way: Way): void {
    this.detach(this.#post?.instance)
    this.#post = { instance, way, underWay: 0, whenIdle: [] }
  }

  /** Nobody takes anything. */
  close(): void {
    this.detach(this.#post?.instance)
  }

  /** It gets nothing more. */
  detach(instance: number | undefined): void {
    const post = this.#post
    if (post === null || post.instance !== instance) return
    this.#post = null
    if (post.underWay > 0) this.#former.set(post.instance, post)
  }

  /** Resolves when an instance that was detached has nothing under way any more. */
  async idle(instance: number): Promise<void> {
    const post = this.#former.get(instance)
    if (post !== undefined) await whenIdle(post)
  }

  /** The same of all that were detached. */
  async allIdle(): Promise<void> {
    await Promise.all([...this.#former.values()].map(whenIdle))
  }

  /** Resolves when nothing at all is under way, with the one that takes what comes. */
  async quiet(): Promise<void> {
    const post = this.#post
    await Promise.all([this.allIdle(), post === null || post.underWay === 0 ? undefined : whenIdle(post)])
  }

  /** null while nobody takes anything. */
  protected get post(): Post<Way> | null {
    return this.#post
  }

  /** What was begun by counting `underWay` up is over. */
  protected done(post: Post<Way>): void {
    post.underWay -= 1
    if (post.underWay > 0) return
    this.#former.delete(post.instance)
    for (const resolve of post.whenIdle.splice(0)) resolve()
  }
}

function whenIdle(post: Post<unknown>): Promise<void> {
  return new Promise((resolve) => post.whenIdle.push(resolve))
}

export type { Post }
