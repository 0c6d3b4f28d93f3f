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
    return this.#wallOffsetMs + this.#nowMs
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

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}
