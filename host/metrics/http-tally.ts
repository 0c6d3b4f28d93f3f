/** Counts the requests of the HTTP server as they end, by app and class of status, and what the node refused. */
import type { HttpObserver } from '../http/index.ts'
import { Tally, type TallyReading } from './tally.ts'

export type StatusClass = '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'none'

/** By the first digit of the status; `none` where the client went away before it had all of its answer. */
export const statusClasses: readonly StatusClass[] = ['none', '1xx', '2xx', '3xx', '4xx', '5xx']

/** Apps told apart; more than a node runs at once. What comes beyond is counted together. */
const maxApps = 512
const otherApps = 'other'

export interface AppRequests {
  readonly app: string
  /** In the order of {@link statusClasses}. */
  readonly counts: readonly number[]
  /** Seconds from a request's head to the end of its response. */
  readonly durations: TallyReading
}

export interface HttpReading {
  readonly apps: readonly AppRequests[]
  /** Requests that the node answered in the place of an app, by problem code. */
  readonly refusals: Readonly<Record<string, number>>
}

interface Entry {
  readonly counts: number[]
  readonly durations: Tally
}

export class HttpTally implements HttpObserver {
  readonly #apps = new Map<string, Entry>()
  /** The codes are this program's own, so that there are only so many. */
  readonly #refusals = new Map<string, number>()

  answered(app: string, status: number, ms: number): void {
    const entry = this.#apps.get(app) ?? this.#begin(app)
    const index = Math.trunc(status / 100)
    entry.counts[index < statusClasses.length ? index : 0]! += 1
    entry.durations.add(ms / 1_000)
  }

  refused(code: string): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1)
  }

  get reading(): HttpReading {
    return {
      apps: [...this.#apps].map(([app, { counts, durations }]) => ({
        app,
        counts: [...counts],
        durations: durations.reading,
      })),
      refusals: Object.fromEntries(this.#refusals),
    }
  }

  #begin(app: string): Entry {
    const name = this.#apps.size < maxApps ? app : otherApps
    const entry = this.#apps.get(name) ?? {
      counts: statusClasses.map(() => 0),
      durations: new Tally(),
    }
    this.#apps.set(name, entry)
    return entry
  }
}
