/**
 * Threads and processes that are started beforehand and not yet any app's: specialising one takes milliseconds where
 * a start takes tens. A spare has seen no guest, so there is nothing in it that one app could leave for another.
 */
import type { Cancel, Clock } from '../../../core/index.ts'
import type { StartCounts } from '../contract.ts'
import type { LinkEvents, LinkFactory, LinkOptions, SandboxLink } from './link.ts'

export interface SparesNeeds {
  readonly clock: Clock
  readonly spawn: LinkFactory
  readonly counts: StartCounts
  /** How many to keep now; 0 where nobody would need one, or memory is short. */
  wanted(): number
}

interface Spare {
  readonly link: SandboxLink
  events: LinkEvents | null
}

/** After one was taken, so that the next start does not compete with what the taken one does first. */
const refillAfterMs = 100
/** Starts come in a row: where none came for so long, what is kept for the next (some 10 MB) is given back. */
const unusedMs = 30_000
/** One that was made for an app that will come at once: a slow board takes tens of seconds until it does. */
const awaitedMs = 120_000

export class Spares {
  readonly #needs: SparesNeeds
  #spares: Spare[] = []
  #cancelRefill: Cancel | null = null
  #cancelRest: Cancel | null = null
  #hasKept = false
  #isStopped = false

  constructor(needs: SparesNeeds) {
    this.#needs = needs
  }

  get count(): number {
    return this.#spares.length
  }

  /** One that is there, or a new one. Granted folders are part of a process from its start, so those get a new one. */
  take(options: LinkOptions): SandboxLink {
    const spare = options.preopens.length === 0 ? this.#spares.shift() : undefined
    // The first of all starts with the node, which has better things to do: whoever needs spares says so later.
    if (this.#hasKept) this.keep(options)
    if (spare === undefined) {
      this.#needs.counts.cold += 1
      return this.#needs.spawn(options)
    }
    this.#needs.counts.template += 1
    spare.events = options.events
    return spare.link
  }

  /** Sees to it, a little later, that there are as many as wanted. */
  keep(options: Pick<LinkOptions, 'program' | 'limits'>): void {
    this.#cancelRefill?.()
    if (this.#isStopped) return
    this.#hasKept = true
    this.#rest(unusedMs)
    this.#cancelRefill = this.#needs.clock.after(refillAfterMs, () => {
      this.#cancelRefill = null
      while (this.#spares.length < this.#needs.wanted()) this.#add(options)
      while (this.#spares.length > this.#needs.wanted()) void this.#spares.pop()?.link.terminate()
    })
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelRefill?.()
    this.#cancelRest?.()
    await Promise.all(this.#spares.splice(0).map(({ link }) => link.terminate()))
  }

  #rest(afterMs: number): void {
    this.#cancelRest?.()
    this.#cancelRest = this.#needs.clock.after(afterMs, () => this.#giveBack())
  }

  #giveBack(): void {
    for (const { link } of this.#spares.splice(0)) void link.terminate()
  }

  /** One more, now, for an app that will come at once; it is given back where none does, or one of another kind. */
  add(options: Pick<LinkOptions, 'program' | 'limits' | 'thread'>): void {
    if (this.#isStopped) void options.thread?.worker.terminate()
    if (this.#isStopped) return
    this.#add(options)
    this.#rest(awaitedMs)
  }

  #add({ program, limits, thread }: Pick<LinkOptions, 'program' | 'limits' | 'thread'>): void {
    const events: LinkEvents = {
      batch: (batch) => spare.events?.batch(batch),
      ended: (reason, message) => {
        this.#spares = this.#spares.filter((candidate) => candidate !== spare)
        spare.events?.ended(reason, message)
      },
      printed: (text) => spare.events?.printed(text),
    }
    const spare: Spare = {
      link: this.#needs.spawn({
        program,
        limits,
        preopens: [],
        events,
        isSpare: true,
        ...(thread !== undefined && { thread }),
      }),
      events: null,
    }
    this.#spares.push(spare)
  }
}
