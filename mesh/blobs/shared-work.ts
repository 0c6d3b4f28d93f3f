/** Work that several callers wait for: it begins with the first of them and is called off with the last. */
import type { Cancel } from '../../core/index.ts'
import { blobsProblems } from './problems.ts'

interface Endable {
  run(): Promise<unknown>
  abort(error: Error): void
}

interface Caller {
  readonly signal?: AbortSignal
}

interface Shared<Work, Call> {
  readonly work: Work
  readonly done: Promise<unknown>
  readonly calls: Set<Call>
}

export interface SharedWorkHooks<Work, Call> {
  /** @param calls those who wait, now and later */
  make(calls: ReadonlySet<Call>): Work
  /** @param error why it did not come to its end, or null */
  ended(work: Work, error: unknown): void
}

export class SharedWork<Work extends Endable, Call extends Caller> {
  readonly #running = new Map<string, Shared<Work, Call>>()

  has(key: string): boolean {
    return this.#running.has(key)
  }

  *all(): Generator<Work> {
    for (const { work } of this.#running.values()) yield work
  }

  /** @returns the work when it is done @throws what it throws, or the reason of the call's signal */
  async join(key: string, call: Call, hooks: SharedWorkHooks<Work, Call>): Promise<Work> {
    const shared = this.#running.get(key) ?? this.#begin(key, hooks)
    // An object of its own, so that a caller may pass the same one twice.
    const own = { ...call }
    shared.calls.add(own)
    const departure = departureOf(call.signal, () => this.#leave(key, shared, own))
    try {
      await Promise.race([shared.done, departure.aborted])
      return shared.work
    } finally {
      departure.cancel()
    }
  }

  #begin(key: string, { make, ended }: SharedWorkHooks<Work, Call>): Shared<Work, Call> {
    const calls = new Set<Call>()
    const work = make(calls)
    const forget = (): void => {
      if (this.#running.get(key)?.work === work) this.#running.delete(key)
    }
    const done = work.run().finally(forget)
    // Whoever waits for it hears of it; it may be that nobody does any more.
    done.then(
      () => ended(work, null),
      (error: unknown) => ended(work, error),
    )
    const shared = { work, done, calls }
    this.#running.set(key, shared)
    return shared
  }

  #leave(key: string, shared: Shared<Work, Call>, call: Call): void {
    shared.calls.delete(call)
    if (shared.calls.size > 0) return
    // Gone at once: whoever asks next starts anew rather than joining what is ending.
    if (this.#running.get(key) === shared) this.#running.delete(key)
    shared.work.abort(blobsProblems.error('ERR_BLOBS_STOPPED', 'nobody waits for the fetch any more'))
  }
}

/** `aborted` rejects with the signal's reason when it aborts, after `leave` was called, and settles never otherwise. */
function departureOf(
  signal: AbortSignal | undefined,
  leave: () => void,
): { aborted: Promise<never>; cancel: Cancel } {
  const listening = new AbortController()
  const aborted = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => {
      leave()
      reject(signal?.reason as Error)
    }
    signal?.addEventListener('abort', onAbort, { once: true, signal: listening.signal })
  })
  return { aborted, cancel: () => listening.abort() }
}
