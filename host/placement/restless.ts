/**
 * Apps that end again and again on a node where they are placed: after a while the place goes to a node that may do better,
 * and stays there for a while, longer each time. By this node's own clock, from what the others' records say.
 */
import type { NodeReport } from '../../mesh/index.ts'

/** An app that comes back from backoff within this time is not worth a move; nor is one whose release waits longer. */
const giveUpMs = 120_000
/** Only what has run for so long without an end is well again. */
const steadyMs = 60_000
/** Until its first node is tried again, doubled each time. */
const restMs = 600_000
const longestRestMs = 14_400_000

interface Trouble {
  /** Since when it ends again and again; null while it does not run there at all. */
  sinceMs: number | null
  /** Since when it has run without an end, as far as is known. */
  runningMs: number | null
  rests: number
  restsUntilMs: number
}

export class Restless {
  /** By node, then by app and number. */
  readonly #records = new Map<string, Map<string, Trouble>>()

  look(node: string, report: Pick<NodeReport, 'apps'> | null, nowMs: number): void {
    const records = this.#records.get(node) ?? new Map<string, Trouble>()
    const seen = new Set<string>()
    for (const { app, seq, state } of report?.apps ?? []) {
      const key = keyOf(app, seq)
      seen.add(key)
      const record = records.get(key) ?? fresh()
      if (state === 'backoff') {
        record.sinceMs ??= nowMs
        record.runningMs = null
        records.set(key, record)
      } else if (state === 'running') {
        record.runningMs ??= nowMs
        if (nowMs - record.runningMs >= steadyMs) records.delete(key)
      }
    }
    for (const [key, record] of records) {
      if (seen.has(key)) continue
      record.sinceMs = null
      record.runningMs = null
      // Nobody has heard of it there for as long as it ever had to rest.
      if (nowMs - record.restsUntilMs > longestRestMs) records.delete(key)
    }
    if (records.size > 0) this.#records.set(node, records)
    else this.#records.delete(node)
  }

  /** The node was started anew, or is no member any more: whatever it was may be mended. */
  forget(node: string): void {
    this.#records.delete(node)
  }

  nodes(): Iterable<string> {
    return this.#records.keys()
  }

  /** @returns whether it may have its place, and when that will be otherwise, monotonic ms */
  availability(
    node: string,
    { app, seq }: { readonly app: string; readonly seq: number },
    replaceAfterMs: number,
    nowMs: number,
  ): { readonly isThere: boolean; readonly dueMs: number | null } {
    const record = this.#records.get(node)?.get(keyOf(app, seq))
    if (record === undefined) return { isThere: true, dueMs: null }
    if (nowMs < record.restsUntilMs) return { isThere: false, dueMs: record.restsUntilMs }
    if (record.sinceMs === null) return { isThere: true, dueMs: null }
    const dueMs = record.sinceMs + Math.max(giveUpMs, replaceAfterMs)
    if (nowMs < dueMs) return { isThere: true, dueMs }
    this.#rest(record, nowMs)
    return { isThere: false, dueMs: record.restsUntilMs }
  }

  /** It could not run it there in its time. */
  rest(node: string, { app, seq }: { readonly app: string; readonly seq: number }, nowMs: number): void {
    const records = this.#records.get(node) ?? new Map<string, Trouble>()
    this.#records.set(node, records)
    const record = records.get(keyOf(app, seq)) ?? fresh()
    records.set(keyOf(app, seq), record)
    if (nowMs >= record.restsUntilMs) this.#rest(record, nowMs)
  }

  /** Nobody else runs it either: it is tried here again. */
  retry(node: string, { app, seq }: { readonly app: string; readonly seq: number }, nowMs: number): void {
    const record = this.#records.get(node)?.get(keyOf(app, seq))
    if (record !== undefined) record.restsUntilMs = Math.min(record.restsUntilMs, nowMs)
  }

  #rest(record: Trouble, nowMs: number): void {
    record.restsUntilMs = nowMs + Math.min(longestRestMs, restMs * 2 ** Math.min(record.rests++, 10))
    record.sinceMs = null
  }
}

function fresh(): Trouble {
  return { sinceMs: null, runningMs: null, rests: 0, restsUntilMs: -Infinity }
}

function keyOf(app: string, seq: number): string {
  return `${app} ${seq}`
}
