/** Which calls left this node's groups of late, so that nobody has to find that out from a bill or a slow evening. */
import type { Clock } from '../../core/index.ts'

/** What `status` tells. */
export interface Departure {
  readonly app: string
  /** Calls within the last {@link departureWindowMs}. */
  readonly calls: number
  /** Names of the nodes that answered them, sorted. */
  readonly nodes: readonly string[]
  /** Since the last one, ms. */
  readonly lastAgoMs: number
}

export const departureWindowMs = 300_000
const buckets = 10
const bucketMs = departureWindowMs / buckets
const maxApps = 256
const maxNodes = 16

interface Bucket {
  calls: number
  readonly nodes: Set<string>
}

export class Departures {
  readonly #clock: Clock
  /** By app, by number of the bucket. */
  readonly #apps = new Map<string, { lastMs: number; readonly buckets: Map<number, Bucket> }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  left(app: string, node: string): void {
    const nowMs = this.#clock.monotonicMs()
    const entry = this.#apps.get(app) ?? { lastMs: nowMs, buckets: new Map<number, Bucket>() }
    if (!this.#apps.has(app) && this.#apps.size >= maxApps) return
    this.#apps.set(app, entry)
    entry.lastMs = nowMs
    const number = Math.floor(nowMs / bucketMs)
    const bucket = entry.buckets.get(number) ?? { calls: 0, nodes: new Set<string>() }
    entry.buckets.set(number, bucket)
    bucket.calls += 1
    if (bucket.nodes.size < maxNodes) bucket.nodes.add(node)
    this.#forget(nowMs)
  }

  /** By app name. */
  lately(): Departure[] {
    const nowMs = this.#clock.monotonicMs()
    this.#forget(nowMs)
    return [...this.#apps]
      .map(([app, { lastMs, buckets: kept }]) => ({
        app,
        calls: [...kept.values()].reduce((sum, { calls }) => sum + calls, 0),
        nodes: [...new Set([...kept.values()].flatMap(({ nodes }) => [...nodes]))].sort(),
        lastAgoMs: Math.round(nowMs - lastMs),
      }))
      .sort((a, b) => (a.app < b.app ? -1 : 1))
  }

  #forget(nowMs: number): void {
    const oldest = Math.floor(nowMs / bucketMs) - buckets
    for (const [app, { buckets: kept }] of this.#apps) {
      for (const number of kept.keys()) if (number <= oldest) kept.delete(number)
      if (kept.size === 0) this.#apps.delete(app)
    }
  }
}
