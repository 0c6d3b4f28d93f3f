/** Since when which node is not reached, or does not come to run what it was given: by this node's own clock. */
import type { ReleaseRecord, Rest, Verdict } from '../../mesh/index.ts'
import type { PlacementView } from './view.ts'
import { Restless, restKey } from './restless.ts'
import type { Rule } from './rule.ts'

/** `cut-off` is not among them: others reach it, and so do calls. */
const unreached: ReadonlySet<Verdict> = new Set(['suspect', 'dead'])
/** States of an app that its node does not come out of by itself. */
const stuck: ReadonlySet<string> = new Set(['failed', 'waiting'])

/** A record crosses the mesh in well under a second, also where a head is repaired rather than pushed. */
const settleMs = 2_000
/**
 * A node that was started anew, or comes out of a part that was cut off, has heard of whoever is there by then, or knows that
 * it is cut off; and so do those who were with it before.
 */
const noticeMs = 10_000

export class Absences {
  /** Monotonic ms; `-Infinity` for one that has left. */
  readonly #since = new Map<string, number>()
  /** When a node was reached again, monotonic ms. */
  readonly #backSince = new Map<string, number>()
  /** By node, then by app and number. */
  readonly #stuckSince = new Map<string, Map<string, number>>()
  /** This node's own. */
  readonly #restless = new Restless()
  #self = ''
  /** What others rest from, by their own word: node, then app and number. */
  readonly #rests = new Map<string, ReadonlySet<string>>()
  /** When this node was last in a part that may judge nobody, monotonic ms. */
  #isolatedMs = -Infinity
  #isIsolated = false
  /** When its network was started, or this node where that is switched off; monotonic ms. */
  #startedMs: number | null = null
  #isConnecting = false
  /** Apps that a node that is reached runs, or is about to. */
  #seen: ReadonlySet<string> = new Set()
  /** Since when nobody has been seen to run an app from whose place a node rests. */
  readonly #unseenSince = new Map<string, number>()

  look({ members, self, isIsolated, isConnecting = false }: PlacementView, nowMs: number): void {
    this.#self = self
    if (isConnecting || this.#isConnecting) this.#startedMs = nowMs
    this.#startedMs ??= nowMs
    this.#isConnecting = isConnecting
    if (isIsolated || this.#isIsolated) this.#isolatedMs = nowMs
    this.#isIsolated = isIsolated
    const present = new Set(members.map(({ id }) => id))
    for (const node of this.#since.keys()) if (!present.has(node)) this.#since.delete(node)
    for (const node of this.#backSince.keys()) if (!present.has(node)) this.#backSince.delete(node)
    for (const node of this.#stuckSince.keys()) if (!present.has(node)) this.#stuckSince.delete(node)
    this.#rests.clear()
    const seen = new Set<string>()
    for (const { id, verdict, report } of members) {
      if (verdict !== 'left' && !unreached.has(verdict)) {
        for (const { app, state } of report?.apps ?? []) if (!stuck.has(state)) seen.add(app)
      }
      if (id !== self && verdict === 'left') this.#since.set(id, -Infinity)
      else if (id !== self && unreached.has(verdict)) {
        const before = this.#since.get(id)
        if (before === undefined || before === -Infinity) this.#since.set(id, nowMs)
      } else if (this.#since.delete(id)) this.#backSince.set(id, nowMs)
      if (id === self) this.#restless.look(report, nowMs)
      else this.#rests.set(id, new Set((report?.rests ?? []).map(restKey)))
      const before = this.#stuckSince.get(id)
      const now = new Map<string, number>()
      for (const { app, seq, state, next } of report?.apps ?? []) {
        if (stuck.has(state)) now.set(restKey({ app, seq }), before?.get(restKey({ app, seq })) ?? nowMs)
        if (next !== undefined && stuck.has(next.state))
          now.set(restKey({ app, seq: next.seq }), before?.get(restKey({ app, seq: next.seq })) ?? nowMs)
      }
      this.#stuckSince.set(id, now)
    }
    this.#seen = seen
    for (const app of seen) this.#unseenSince.delete(app)
  }

  /**
   * From when what its record says may be believed, monotonic ms: a node that was started anew is reached a moment
   * before it is heard that its apps do not run yet.
   */
  believedFromMs(node: string): number {
    return (this.#backSince.get(node) ?? -Infinity) + settleMs
  }

  /** From when one that is back may begin, as far as time goes: who stands in for it stops a moment before. */
  handBackMs(node: string): number {
    return (this.#backSince.get(node) ?? -Infinity) + noticeMs - settleMs
  }

  /** @returns whether its place is its own, and where it is about to lose it, when, monotonic ms */
  availability(
    node: string,
    release: Pick<ReleaseRecord, 'app' | 'seq'>,
    { replaceAfterMs, minority }: Pick<Rule, 'replaceAfterMs' | 'minority'>,
    nowMs: number,
  ): { readonly isThere: boolean; readonly dueMs: number | null } {
    const stuckMs = this.#stuckSince.get(node)?.get(restKey(release)) ?? Infinity
    const isSelf = node === this.#self
    // Once another node has the place this one's record says nothing of it any more: it must not be asked again at once.
    if (isSelf && nowMs >= stuckMs + replaceAfterMs) this.#restless.rest(release, nowMs)
    const dueMs = Math.min(this.#missedMs(node, minority, replaceAfterMs), stuckMs + replaceAfterMs)
    if (nowMs >= dueMs) return { isThere: false, dueMs: null }
    const ends = isSelf
      ? this.#restless.availability(release, replaceAfterMs, nowMs)
      : { isThere: this.#rests.get(node)?.has(restKey(release)) !== true, dueMs: null }
    if (!ends.isThere) {
      if (!isSelf) return { isThere: false, dueMs: null }
      const againMs = this.#aloneSinceMs(release.app, nowMs) + replaceAfterMs
      if (nowMs < againMs) return { isThere: false, dueMs: Math.min(againMs, ends.dueMs ?? Infinity) }
      // Whose turn it is may hold this node for well, as one does that was started anew: a rest must not leave a place empty.
      this.#restless.retry(release, nowMs)
      return { isThere: true, dueMs: null }
    }
    const firstMs = Math.min(dueMs, ends.dueMs ?? Infinity)
    return { isThere: true, dueMs: firstMs === Infinity ? null : firstMs }
  }

  /** From when it has heard what others run, monotonic ms: before, it may not begin what must not run twice. */
  get knowsFromMs(): number {
    return Math.max(this.#startedMs ?? 0, this.#isolatedMs) + noticeMs
  }

  /** What this node rests from, and when the first of these rests ends, monotonic ms. */
  rests(nowMs: number): { readonly from: readonly Rest[]; readonly endsMs: number } {
    return this.#restless.rests(nowMs)
  }

  /**
   * From when a node that is not reached has lost its place, monotonic ms. One that was started anew has yet to dial the
   * others: until it has heard who is there it takes over from nobody, however short the app lets it wait. Where a
   * minority stops, who comes out of one is in the same position: none of the time before counts.
   */
  #missedMs(node: string, minority: Rule['minority'], replaceAfterMs: number): number {
    const since = this.#since.get(node) ?? Infinity
    if (since === -Infinity) return since
    const countedMs = minority === 'run' ? since : Math.max(since, this.#isolatedMs)
    return Math.max(countedMs + replaceAfterMs, (this.#startedMs ?? 0) + noticeMs)
  }

  /** Infinity where somebody runs it. */
  #aloneSinceMs(app: string, nowMs: number): number {
    if (this.#seen.has(app)) return Infinity
    const since = this.#unseenSince.get(app) ?? nowMs
    this.#unseenSince.set(app, since)
    return since
  }
}
