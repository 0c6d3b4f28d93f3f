/** Counts calls of apps as they end, by how far they went and what became of them. */
import type { CallObserver } from '../calls/index.ts'
import { Tally, type TallyReading } from './tally.ts'

/** `none` where nobody was asked. */
export type CallReach = 'node' | 'group' | 'mesh' | 'none'

/** Apps told apart; what comes beyond is counted together. */
const maxApps = 512
const otherApps = 'other'

export interface CallCount {
  readonly app: string
  readonly scope: CallReach
  readonly outcome: string
  readonly calls: number
}

export interface CallReading {
  readonly counts: readonly CallCount[]
  /** Seconds, by scope, of calls that were answered. */
  readonly durations: readonly { readonly scope: CallReach; readonly durations: TallyReading }[]
  readonly retries: readonly { readonly app: string; readonly retries: number }[]
}

export class CallTally implements CallObserver {
  readonly #apps = new Map<string, Map<string, { scope: CallReach; outcome: string; calls: number }>>()
  readonly #durations = new Map<CallReach, Tally>()
  readonly #retries = new Map<string, number>()

  ended(...[app, asked, outcome, ms]: Parameters<CallObserver['ended']>): void {
    const scope = asked ?? 'none'
    const counts = this.#countsOf(app)
    const key = `${scope} ${outcome}`
    const count = counts.get(key)
    if (count === undefined) counts.set(key, { scope, outcome, calls: 1 })
    else count.calls += 1
    if (outcome !== 'answered') return
    let tally = this.#durations.get(scope)
    if (tally === undefined) this.#durations.set(scope, (tally = new Tally()))
    tally.add(ms / 1_000)
  }

  retried(app: string): void {
    const name = this.#nameOf(app)
    this.#retries.set(name, (this.#retries.get(name) ?? 0) + 1)
  }

  get reading(): CallReading {
    return {
      counts: [...this.#apps].flatMap(([app, counts]) =>
        [...counts.values()].map((count) => ({ app, ...count })),
      ),
      durations: [...this.#durations].map(([scope, tally]) => ({ scope, durations: tally.reading })),
      retries: [...this.#retries].map(([app, retries]) => ({ app, retries })),
    }
  }

  #nameOf(app: string): string {
    return this.#apps.has(app) || this.#apps.size < maxApps ? app : otherApps
  }

  #countsOf(app: string): Map<string, { scope: CallReach; outcome: string; calls: number }> {
    const known = this.#apps.get(app)
    if (known !== undefined) return known
    const name = this.#nameOf(app)
    const counts =
      this.#apps.get(name) ?? new Map<string, { scope: CallReach; outcome: string; calls: number }>()
    this.#apps.set(name, counts)
    return counts
  }
}
