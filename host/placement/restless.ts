/**
 * Apps that end again and again on this node, or never come to run: after a while it gives their places up, for longer each
 * time, so that a node gets them that may do better. Only the node itself decides so, and says it in its record: others who
 * judged it by what they happened to see of it would not agree whose turn it is.
 */
import type { NodeReport, Rest } from '../../mesh/index.ts'

/** An app that comes back from backoff within this time is not worth a move; nor is one whose release waits longer. */
const giveUpMs = 120_000
/** Only what has run for so long without an end is well again. */
const steadyMs = 60_000
/** Until it tries again, doubled each time. */
const restMs = 600_000
const longestRestMs = 14_400_000

interface Trouble extends Rest {
  /** Since when it ends again and again; null while it does not run at all. */
  sinceMs: number | null
  /** Since when it has run without an end, as far as is known. */
  runningMs: number | null
  rests: number
  restsUntilMs: number
}

export class Restless {
  /** By app and number. */
  readonly #records = new Map<string, Trouble>()

  /** @param report this node's own */
  look(report: Pick<NodeReport, 'apps'> | null, nowMs: number): void {
    const seen = new Set<string>()
    for (const { app, seq, state } of report?.apps ?? []) {
      const key = restKey({ app, seq })
      seen.add(key)
      const record = this.#records.get(key) ?? fresh({ app, seq })
      if (state === 'backoff') {
        record.sinceMs ??= nowMs
        record.runningMs = null
        this.#records.set(key, record)
      } else if (state === 'running') {
        record.runningMs ??= nowMs
        if (nowMs - record.runningMs >= steadyMs) this.#records.delete(key)
      }
    }
    for (const [key, record] of this.#records) {
      if (seen.has(key)) continue
      record.sinceMs = null
      record.runningMs = null
      // Nobody has heard of it for as long as it ever had to rest.
      if (nowMs - record.restsUntilMs > longestRestMs) this.#records.delete(key)
    }
  }

  /** What it rests from, and when the first of these rests ends, monotonic ms; Infinity for none. */
  rests(nowMs: number): { readonly from: readonly Rest[]; readonly endsMs: number } {
    const resting = [...this.#records.values()].filter(({ restsUntilMs }) => nowMs < restsUntilMs)
    return {
      from: resting.map(({ app, seq }) => ({ app, seq })),
      endsMs: Math.min(...resting.map(({ restsUntilMs }) => restsUntilMs)),
    }
  }

  /** @returns whether it may have its place, and when that will be otherwise, monotonic ms */
  availability(
    release: Rest,
    replaceAfterMs: number,
    nowMs: number,
  ): { readonly isThere: boolean; readonly dueMs: number | null } {
    const record = this.#records.get(restKey(release))
    if (record === undefined) return { isThere: true, dueMs: null }
    if (nowMs < record.restsUntilMs) return { isThere: false, dueMs: record.restsUntilMs }
    if (record.sinceMs === null) return { isThere: true, dueMs: null }
    const dueMs = record.sinceMs + Math.max(giveUpMs, replaceAfterMs)
    if (nowMs < dueMs) return { isThere: true, dueMs }
    this.#rest(record, nowMs)
    return { isThere: false, dueMs: record.restsUntilMs }
  }

  /** It could not run it in its time. */
  rest(release: Rest, nowMs: number): void {
    const key = restKey(release)
    const record = this.#records.get(key) ?? fresh(release)
    this.#records.set(key, record)
    if (nowMs >= record.restsUntilMs) this.#rest(record, nowMs)
  }

  /** Nobody else runs it either: it is tried here again. */
  retry(release: Rest, nowMs: number): void {
    const record = this.#records.get(restKey(release))
    if (record !== undefined) record.restsUntilMs = Math.min(record.restsUntilMs, nowMs)
  }

  #rest(record: Trouble, nowMs: number): void {
    record.restsUntilMs = nowMs + Math.min(longestRestMs, restMs * 2 ** Math.min(record.rests++, 10))
    record.sinceMs = null
  }
}

/** An app and the number of its release, as a text that compares. */
export function restKey({ app, seq }: Rest): string {
  return `${app} ${seq}`
}

function fresh({ app, seq }: Rest): Trouble {
  return { app, seq, sinceMs: null, runningMs: null, rests: 0, restsUntilMs: -Infinity }
}
