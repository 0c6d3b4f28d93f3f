/** Runs asynchronous jobs one after another, so that what one decided is on the disk before the next one decides. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** @returns what `job` returns or throws; a job that throws does not hold up the next. */
  take<T>(job: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(job)
    this.#last = turn.catch(() => {})
    return turn
  }
}
