/**
 * Time that passes only when told to. Timers run in order of their time, and of their making where equal, so a
 * run depends on nothing but its seed.
 */
import type { Cancel, Clock } from '../../core/index.ts'

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly run: () => void
  isCancelled: boolean
}

export class VirtualClock implements Clock {
  #nowMs = 0
  #wallOffsetMs: number
  #order = 0
  /** A binary heap by (due, order). */
  readonly #heap: Timer[] = []

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wallOffsetMs = wallMs
  }

  now(): number {
    // Whole milliseconds, as of any wall clock.
    return Math.floor(this.#wallOffsetMs + this.#nowMs)
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  after(ms: number, run: () => void): Cancel {
    const timer: Timer = {
      dueMs: this.#nowMs + Math.max(0, ms),
      order: this.#order++,
      run,
      isCancelled: false,
    }
    this.#push(timer)
    return () => {
      timer.isCancelled = true
    }
  }

  /** A wrong clock set right, or the other way round. */
  shiftWall(ms: number): void {
    this.#wallOffsetMs += ms
  }

  /** Runs everything due within the next `ms`, then stands at that time. @throws Error after `maxEvents` */
  advance(ms: number, maxEvents = 5_000_000): void {
    const end = this.#nowMs + ms
    for (let events = 0; ; events++) {
      const next = this.#heap[0]
      if (next === undefined || next.dueMs > end) break
      if (events === maxEvents) throw new Error(`more than ${maxEvents} events in ${ms} ms of virtual time`)
      this.#pop()
      if (next.isCancelled) continue
      this.#nowMs = next.dueMs
      next.run()
    }
    this.#nowMs = end
  }

  /**
   * As {@link advance}, and lets every promise settle after each event, for code that awaits. Such code must wait for
   * nothing but promises and this clock: what a real file or thread answers comes at a moment that no seed repeats.
   * @throws Error after `maxEvents`
   */
  async run(ms: number, maxEvents = 20_000_000): Promise<void> {
    const end = this.#nowMs + ms
    await this.#runWhile(end, maxEvents, () => true)
    this.#nowMs = end
  }

  /**
   * Runs until `isDone` says so after an event.
   * @returns the virtual milliseconds it took @throws Error when it has not come about within `limitMs`
   */
  async runUntil(isDone: () => boolean, limitMs: number, maxEvents = 20_000_000): Promise<number> {
    const start = this.#nowMs
    await promisesSettled()
    if (isDone()) return 0
    await this.#runWhile(start + limitMs, maxEvents, () => !isDone())
    if (!isDone()) throw new Error(`it has not come about within ${limitMs} ms of virtual time`)
    return this.#nowMs - start
  }

  /** Runs what `work` waits for. @returns what it comes to @throws what it throws, or Error after `limitMs` */
  async finish<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    work.then(settle, settle)
    await this.runUntil(() => isSettled, limitMs)
    return work
  }

  async #runWhile(end: number, maxEvents: number, goesOn: () => boolean): Promise<void> {
    await promisesSettled()
    for (let events = 0; ;) {
      const next = this.#heap[0]
      if (next === undefined || next.dueMs > end) return
      this.#pop()
      if (next.isCancelled) continue
      if (events++ === maxEvents) throw new Error(`more than ${maxEvents} events before ${end} ms`)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.run()
      await promisesSettled()
      if (!goesOn()) return
      // The test's own timeout must be able to strike.
      if (events % 4_096 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
  }

  #push(timer: Timer): void {
    const heap = this.#heap
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(timer, heap[parent] as Timer)) break
      heap[at] = heap[parent] as Timer
      at = parent
    }
    heap[at] = timer
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child++
      if (!isBefore(heap[child] as Timer, last)) break
      heap[at] = heap[child] as Timer
      at = child
    }
    heap[at] = last
  }
}

/** A callback of nextTick runs when no promise is left that could go on. */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}
