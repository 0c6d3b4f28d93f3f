/**
 * How many calls of each app this node has under way, on average of the last moments: told to its group when that has
 * changed by more than a half, and again now and then while it lasts. Where nobody calls, no timer runs and nothing is told.
 */
import type { Cancel, Clock } from '../../core/index.ts'
import type { Load } from '../../mesh/index.ts'

/** A choice that is older misses little; a shorter one would tell of every burst. */
const lookMs = 500
/** What still holds is told again after so many looks: before it is believed no longer. */
const tellAgainLooks = 10
/** Below so many on average there is nothing to wait for. */
const leastCalls = 0.7
/** In powers of two: what lies between two of them is not told back and forth. */
const steadyPowers = 0.75

interface Meter {
  underWay: number
  /** Calls times ms since the last look. */
  area: number
  sinceMs: number
}

export interface LoadMeterNeeds {
  readonly clock: Clock
  tell(load: Load): void
}

export class LoadMeter {
  readonly #needs: LoadMeterNeeds
  readonly #meters = new Map<string, Meter>()
  #told = new Map<string, number>()
  #looksSinceTold = 0
  #lookedMs = 0
  #cancelLook: Cancel | null = null

  constructor(needs: LoadMeterNeeds) {
    this.#needs = needs
  }

  /** As last told: calls under way by app, powers of two. */
  get load(): Load {
    return this.#told
  }

  /** A call begins. @returns to be called once, when it has ended */
  begin(app: string): () => void {
    const meter = this.#begun(app)
    return () => {
      this.#pass(meter, this.#needs.clock.monotonicMs())
      meter.underWay -= 1
    }
  }

  async count<Result>(app: string, work: () => Promise<Result>): Promise<Result> {
    const end = this.begin(app)
    try {
      return await work()
    } finally {
      end()
    }
  }

  stop(): void {
    this.#cancelLook?.()
    this.#cancelLook = null
  }

  #begun(app: string): Meter {
    const nowMs = this.#needs.clock.monotonicMs()
    const meter = this.#meters.get(app) ?? { underWay: 0, area: 0, sinceMs: nowMs }
    this.#meters.set(app, meter)
    this.#pass(meter, nowMs)
    meter.underWay += 1
    if (this.#cancelLook === null) {
      this.#lookedMs = nowMs
      this.#cancelLook = this.#needs.clock.after(lookMs, () => this.#look())
    }
    return meter
  }

  #pass(meter: Meter, nowMs: number): void {
    meter.area += meter.underWay * (nowMs - meter.sinceMs)
    meter.sinceMs = nowMs
  }

  #look(): void {
    const { clock, tell } = this.#needs
    const nowMs = clock.monotonicMs()
    const ms = Math.max(1, nowMs - this.#lookedMs)
    this.#lookedMs = nowMs
    const now = new Map<string, number>()
    for (const [app, meter] of this.#meters) {
      this.#pass(meter, nowMs)
      const calls = quantised(meter.area / ms, this.#told.get(app) ?? 0)
      meter.area = 0
      if (calls > 0) now.set(app, calls)
      if (calls === 0 && meter.underWay === 0) this.#meters.delete(app)
    }
    this.#looksSinceTold += 1
    const isDue = now.size > 0 && this.#looksSinceTold >= tellAgainLooks
    if (isDue || !isEqual(now, this.#told)) {
      this.#looksSinceTold = 0
      this.#told = now
      tell(now)
    }
    const isOver = this.#meters.size === 0
    this.#cancelLook = isOver ? null : clock.after(lookMs, () => this.#look())
  }
}

function quantised(average: number, before: number): number {
  if (average < leastCalls) return 0
  const power = Math.log2(average)
  if (before > 0 && Math.abs(power - Math.log2(before)) < steadyPowers) return before
  return 2 ** Math.max(0, Math.round(power))
}

function isEqual(one: Load, other: Load): boolean {
  return one.size === other.size && [...one].every(([app, calls]) => other.get(app) === calls)
}
