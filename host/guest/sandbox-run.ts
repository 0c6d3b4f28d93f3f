/**
 * The life of a sandbox, seen from inside: it is specialised to one app, makes the instance, and does what it is
 * asked, one call at a time.
 */
import { performance } from 'node:perf_hooks'
import { endLines } from './cli/index.ts'
import { HostFault } from './ends.ts'
import { GuestLine, type Transport, type Work } from './guest-line.ts'
import { Guest } from './guest.ts'
import type { PartKind } from './part.ts'
import type { Boot, Outcome, ToGuest } from './protocol.ts'

/** Results wait for the other calls of their batch so long, in ms; then they are handed over. */
const longestBatchMs = 0.25

export interface SandboxNeeds {
  readonly transport: Transport
  readonly parts: readonly PartKind[]
  /** Told before each call, so that the node knows which calls a dead sandbox never began. */
  begun(call: number): void
}

export interface InnerSandbox {
  /**
   * Takes in what came, and does what it asks; the first batch begins with the boot.
   * @returns what settles when it can take more, where it needs the event loop until then
   */
  take(batch: readonly ToGuest[]): Promise<void> | null
  /** It is not used again, and its process or thread lives on. */
  end(): void
  /** Resolves when it was specialised and its instance made, or could not be. */
  readonly booted: Promise<void>
}

export function createSandbox(needs: SandboxNeeds): InnerSandbox {
  let running: RunningSandbox | null = null
  let resolveBooted!: () => void
  const booted = new Promise<void>((resolve) => (resolveBooted = resolve))
  return {
    booted,
    end: () => running?.end(),
    take(batch) {
      if (running !== null) return running.take(batch)
      const [first, ...rest] = batch
      if (first?.t !== 'boot') throw new HostFault('a sandbox was asked before it was specialised')
      running = new RunningSandbox(first.boot, needs)
      running.take(rest)
      void running.start().then(resolveBooted)
      return null
    },
  }
}

class RunningSandbox {
  readonly #needs: SandboxNeeds
  readonly #line: GuestLine
  readonly #guest: Guest
  #isBusy = true
  #isOver = false

  constructor(boot: Boot, needs: SandboxNeeds) {
    this.#needs = needs
    this.#line = new GuestLine(needs.transport, boot.limits)
    this.#guest = new Guest(boot, needs.parts, this.#line)
  }

  async start(): Promise<void> {
    this.#line.queue({ t: 'loaded' })
    this.#line.flush()
    try {
      await this.#guest.make()
      this.#line.queue({ t: 'ready', memoryBytes: this.#guest.memoryBytes })
    } catch (error) {
      this.#isOver = true
      endLines(this.#line)
      this.#line.queue({ t: 'start-failed', ...this.#guest.endOf(error) })
    }
    this.#isBusy = false
    this.#work()
  }

  end(): void {
    this.#isOver = true
    this.#guest.end()
  }

  take(batch: readonly ToGuest[]): Promise<void> | null {
    this.#line.accept(batch)
    return this.#isBusy ? null : this.#work()
  }

  /** @returns what settles when it is idle again, where that is not at once */
  #work(): Promise<void> | null {
    this.#isBusy = true
    let flushedAtMs = performance.now()
    for (;;) {
      const work = this.#isOver ? undefined : this.#line.nextWork()
      if (work === undefined) break
      const now = performance.now()
      if (now - flushedAtMs > longestBatchMs) {
        this.#line.flush()
        flushedAtMs = now
      }
      const pending = this.#do(work, now)
      if (pending !== null) {
        this.#line.flush()
        // What ends the guest is its outcome; anything that is thrown here is a fault of ours, and ends the thread.
        return pending.then(() => this.#work() ?? undefined)
      }
    }
    this.#line.flush()
    this.#isBusy = false
    return null
  }

  /** @returns what to wait for where the guest's thread has gone back to its event loop; else null */
  #do(work: Work, fromMs: number): Promise<void> | null {
    this.#needs.begun(work.call)
    this.#line.takeSleptMs()
    const outcome = this.#guest.run(work)
    if (!(outcome instanceof Promise)) {
      this.#finish(work, outcome, performance.now() - fromMs - this.#line.takeSleptMs())
      return this.#settle()
    }
    const before = performance.eventLoopUtilization()
    const syncMs = performance.now() - fromMs
    return outcome.then((settled) => {
      const { active } = performance.eventLoopUtilization(before)
      this.#finish(work, settled, syncMs + active - this.#line.takeSleptMs())
      return this.#settle() ?? undefined
    })
  }

  #finish(work: Work, outcome: Outcome, activeMs: number): void {
    if (outcome.kind === 'end') this.#isOver = true
    endLines(this.#line)
    this.#line.queue({
      t: 'result',
      call: work.call,
      outcome,
      activeMs,
      memoryBytes: this.#guest.memoryBytes,
      bytes: this.#guest.resultBytes,
      dropped: this.#line.takeDropped(),
      channelUsed: work.t === 'invoke' && this.#line.endInvocation(work.channel),
    })
  }

  /** Between two calls: nothing of the last may be left where that was promised. */
  #settle(): Promise<void> | null {
    if (this.#isOver) return null
    const renewal = this.#guest.renew()
    if (renewal === null) return null
    return renewal.catch((error: unknown) => {
      this.#isOver = true
      this.#line.queue({ t: 'failed', ...this.#guest.endOf(error) })
    })
  }
}
