/** The channels to one peer: so many at once, those without a call kept for a while, and callers who wait for one. */
import type { Clock, Log } from '../../core/index.ts'
import type { Channel } from '../transport/index.ts'
import { callLimits, NotStarted } from './contract.ts'
import { CallLine } from './line.ts'
import { callsProblems } from './problems.ts'

export interface LinesNeeds {
  readonly clock: Clock
  readonly log: Log
  readonly mostChannels: number
  /** See `AskedNeeds`. */
  readonly lingerMs?: number
  open(): Promise<Channel>
  /** The peer does not keep to the protocol. */
  report(detail: string): void
}

interface Waiting {
  readonly take: (line: CallLine) => void
  readonly refuse: (error: Error) => void
}

export class Lines {
  readonly #needs: LinesNeeds
  /** The last one that became free first: the others grow old together. */
  readonly #free: CallLine[] = []
  readonly #all = new Set<CallLine>()
  #opening = 0
  readonly #waiting: Waiting[] = []

  constructor(needs: LinesNeeds) {
    this.#needs = needs
  }

  get isEmpty(): boolean {
    return this.#all.size + this.#opening + this.#waiting.length === 0
  }

  /** One that is free this very moment. */
  takeFree(): CallLine | null {
    return this.#free.pop() ?? null
  }

  /**
   * One that is free, opened where there is room for another.
   * @throws NotStarted where none can be opened, or too many wait; the signal's reason
   */
  take(signal: AbortSignal): Promise<CallLine> {
    const free = this.takeFree()
    if (free !== null) return Promise.resolve(free)
    if (this.#all.size + this.#opening < this.#needs.mostChannels) return this.#open(signal)
    if (this.#waiting.length >= callLimits.waitingPerPeer) {
      const text = `${this.#waiting.length} calls wait for a channel to the node`
      return Promise.reject(new NotStarted(callsProblems.error('ERR_CALL_BUSY', text), true))
    }
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        take: (line) => {
          signal.removeEventListener('abort', leave)
          resolve(line)
        },
        refuse: (error) => {
          signal.removeEventListener('abort', leave)
          reject(error)
        },
      }
      const leave = (): void => {
        const at = this.#waiting.indexOf(waiting)
        if (at >= 0) this.#waiting.splice(at, 1)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiting)
    })
  }

  /** Closes those that have had no call for a while. */
  sweep(nowMs: number): void {
    const old = this.#free.filter((line) => nowMs - line.freeSinceMs >= callLimits.idleMs)
    for (const line of old) line.close()
  }

  /** Ends them all, with what is under way on them. */
  close(error: Error): void {
    for (const waiting of this.#waiting.splice(0)) waiting.refuse(new NotStarted(asOurs(error), false))
    for (const line of this.#all) line.close()
  }

  async #open(signal: AbortSignal): Promise<CallLine> {
    this.#opening += 1
    let channel: Channel
    try {
      channel = await this.#needs.open()
    } catch (error) {
      this.#opening -= 1
      this.#openForNext()
      throw new NotStarted(asOurs(error), false)
    }
    this.#opening -= 1
    const { clock, log, report, lingerMs } = this.#needs
    const line = new CallLine(channel, {
      clock,
      log,
      report,
      ...(lingerMs !== undefined && { lingerMs }),
      onFree: (free) => this.#onFree(free),
      onGone: (gone) => this.#onGone(gone),
    })
    this.#all.add(line)
    if (!signal.aborted) return line
    this.#onFree(line)
    throw signal.reason
  }

  #onFree(line: CallLine): void {
    const next = this.#waiting.shift()
    if (next !== undefined) return next.take(line)
    if (this.#free.length >= callLimits.idleChannels) return line.close()
    this.#free.push(line)
  }

  #onGone(line: CallLine): void {
    this.#all.delete(line)
    const at = this.#free.indexOf(line)
    if (at >= 0) this.#free.splice(at, 1)
    this.#openForNext()
  }

  /** There is room for another, and perhaps somebody who waits for it. */
  #openForNext(): void {
    if (this.#waiting.length === 0) return
    this.#open(new AbortController().signal).then(
      (line) => this.#onFree(line),
      (error: unknown) => this.#waiting.shift()?.refuse(error as Error),
    )
  }
}

function asOurs(error: unknown): ReturnType<typeof callsProblems.error> {
  const message = error instanceof Error ? error.message : String(error)
  return callsProblems.error('ERR_CALL_UNREACHABLE', `the node was not reached: ${message}`, { cause: error })
}
