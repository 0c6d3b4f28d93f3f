/**
 * The audit journal: who signed what, when it arrived here, and what was refused of whom. Bounded, on the disk.
 *
 * A ring of segment files, each written as a whole with its digest in front, so that a power cut leaves a segment old
 * or new. Flash is spared: entries wait in memory and are written together, the same refusal again only counts up. What
 * a cut may cost is the last {@link auditLimits}.flushMs; what was signed is kept by its own store anyway.
 */
import * as v from 'valibot'
import {
  decodeCbor,
  digestOf,
  encodeCbor,
  messageOf,
  type Cancel,
  type Clock,
  type DurableFolder,
  type Log,
} from '../core/index.ts'

export const auditLimits = {
  entriesPerSegment: 256,
  /** With the one that is being filled: 8,192 entries. */
  segments: 32,
  /** As much as an entry may have, times the entries; what is usual is a fiftieth. */
  segmentBytes: 2 * 1024 * 1024,
  textChars: 320,
  signers: 16,
  /** Between two writes for what was signed. */
  flushMs: 2_000,
  /** Between two writes where only refusals were added: whoever sends rubbish must not wear out the flash. */
  refusalFlushMs: 60_000,
  /** Refusals that are counted up in place of being told again, for so long. */
  coalesceMs: 600_000,
  /** Refusals told one by one in that time; the rest counts up by code, or strangers could push out all history. */
  refusals: 64,
} as const

export interface AuditEntry {
  /** Grows by one with each entry, also across restarts. */
  readonly seq: number
  /** This node's wall clock when it arrived, ms since the epoch: as wrong as that clock. */
  readonly at: number
  /** Which start of this node it was; only grows. */
  readonly boot: number
  /** Milliseconds between the start and the arrival, by the monotonic clock. */
  readonly uptimeMs: number
  readonly kind: 'taken' | 'refused' | 'alarm'
  /** `trust`, `revocation`, `release`, `member`, `heartbeat`, `node`, `fork`, `connection`, `join`, `blob` … */
  readonly what: string
  /** In words: `light-alarm 2.0.0 (number 4)`. */
  readonly text: string
  /** Public keys that signed it, in hexadecimal; empty where nothing verifies. */
  readonly signers: readonly string[]
  /** The peer that brought it; null for this node's own control API, and for what it found by itself. */
  readonly from: string | null
  /** Of what was refused. */
  readonly code: string | null
  readonly attack: string | null
  /** How often it was refused; the last time `lastAt`, by the wall clock. */
  readonly count: number
  readonly lastAt: number
}

export type AuditNews = Pick<AuditEntry, 'kind' | 'what' | 'text' | 'signers' | 'from' | 'code' | 'attack'>

const text = v.pipe(v.string(), v.maxLength(auditLimits.textChars))
const count = v.pipe(v.number(), v.integer(), v.minValue(0))
const entrySchema = v.looseObject({
  seq: v.pipe(count, v.minValue(1)),
  at: count,
  boot: count,
  uptimeMs: count,
  kind: v.picklist(['taken', 'refused', 'alarm']),
  what: text,
  text,
  signers: v.pipe(v.array(text), v.maxLength(auditLimits.signers)),
  from: v.nullable(text),
  code: v.nullable(text),
  attack: v.nullable(text),
  count,
  lastAt: count,
})
const segmentSchema = v.looseObject({
  v: v.literal(1),
  entries: v.pipe(
    v.array(entrySchema),
    v.minLength(1),
    v.maxLength(auditLimits.entriesPerSegment),
    v.check((list) => list.every(({ seq }, at) => seq === (list[0]?.seq ?? 0) + at), 'has gaps'),
  ),
})
/** Refusals that are being counted up. */
const maxCounted = 256
const digestBytes = 32
const fileSuffix = '.audit'

export interface AuditOptions {
  readonly folder: DurableFolder
  readonly clock: Clock
  readonly log: Log
}

interface Segment {
  readonly name: string
  entries: AuditEntry[]
}

/** Reads what was kept. A damaged segment is removed and logged; the others stay. */
export async function openAudit(options: AuditOptions): Promise<Audit> {
  const { folder, log } = options
  const segments: Segment[] = []
  const names = (await folder.list()).filter((name) => name.endsWith(fileSuffix))
  for (const name of names.slice(-auditLimits.segments)) {
    try {
      const bytes = await folder.read(name, auditLimits.segmentBytes)
      if (bytes === null) continue
      const entries = readSegment(bytes)
      const last = segments.at(-1)?.entries.at(-1)?.seq ?? 0
      if ((entries[0]?.seq ?? 0) <= last) throw new Error('its entries overlap those before')
      segments.push({ name, entries })
    } catch (error) {
      log.warn('audit:damaged', { segment: name, error: messageOf(error) })
      await folder.remove(name).catch(() => {})
    }
  }
  for (const name of names.slice(0, -auditLimits.segments)) await folder.remove(name).catch(() => {})
  return new Audit(options, segments)
}

export class Audit {
  readonly #options: AuditOptions
  readonly #segments: Segment[]
  readonly #startedMs: number
  readonly #boot: number
  readonly #listeners = new Set<() => void>()
  /** Segments whose file is older than what is held. */
  readonly #unsaved = new Set<Segment>()
  /** The last entry of each refusal, to be counted up. */
  readonly #refusals = new Map<string, { segment: Segment; seq: number; sinceMs: number }>()
  #timer: { cancel: Cancel; atMs: number } | null = null
  #writing: Promise<void> = Promise.resolve()
  #nextSeq: number
  /** Refusals that were told one by one since then. */
  #told = { count: 0, sinceMs: 0 }

  /** Use {@link openAudit}. */
  constructor(options: AuditOptions, segments: Segment[]) {
    this.#options = options
    this.#segments = segments
    this.#startedMs = options.clock.monotonicMs()
    const last = segments.at(-1)?.entries.at(-1)
    this.#nextSeq = (last?.seq ?? 0) + 1
    this.#boot = (last?.boot ?? 0) + 1
  }

  /** Entries that had to make room since the journal was begun, or were lost with a damaged file. */
  get dropped(): number {
    return this.#nextSeq - 1 - this.#segments.reduce((sum, { entries }) => sum + entries.length, 0)
  }

  add(news: AuditNews): void {
    const { clock } = this.#options
    const [at, now] = [Math.max(0, Math.round(clock.now())), clock.monotonicMs()]
    if (news.kind === 'taken') this.#append(news, at, now)
    else this.#countUp(news, at, now)
    this.#flushWithin(news.kind === 'taken' ? auditLimits.flushMs : auditLimits.refusalFlushMs)
    for (const listener of this.#listeners) listener()
  }

  /** The newest `limit`, oldest first. */
  tail(limit: number): AuditEntry[] {
    const all = this.#segments.flatMap(({ entries }) => entries)
    return limit === 0 ? [] : all.slice(-limit)
  }

  /** The oldest after `seq`, at most `limit`, and how many between are no more. */
  read(after: number, limit: number): { entries: AuditEntry[]; cursor: number; missed: number } {
    const later = this.#segments.flatMap(({ entries }) => entries.filter((entry) => entry.seq > after))
    const entries = later.slice(0, limit)
    const cursor = entries.at(-1)?.seq ?? Math.max(after, this.#nextSeq - 1)
    return { entries, cursor, missed: Math.max(0, (later[0]?.seq ?? this.#nextSeq) - 1 - after) }
  }

  /** Calls `listener` after each addition. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Writes what is not on the disk yet; what cannot be written now is tried again at the next write. */
  flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = null
    this.#writing = this.#writing.then(() => this.#write())
    return this.#writing
  }

  #countUp(news: AuditNews, at: number, nowMs: number): void {
    const { kind, what, code } = news
    const isFresh = (key: string): boolean => {
      const sinceMs = this.#refusals.get(key)?.sinceMs
      return sinceMs !== undefined && nowMs - sinceMs < auditLimits.coalesceMs
    }
    const own = [kind, what, code, news.from, kind === 'alarm' ? news.text : ''].join(' ')
    if (nowMs - this.#told.sinceMs >= auditLimits.coalesceMs) this.#told = { count: 0, sinceMs: nowMs }
    const isCrowd = !isFresh(own) && this.#told.count >= auditLimits.refusals
    const key = isCrowd ? [kind, what, code].join(' ') : own
    const known = this.#refusals.get(key)
    if (known !== undefined && isFresh(key)) return this.#again(known, at)
    this.#told.count += 1
    const added = this.#append(isCrowd ? { ...news, from: null } : news, at, nowMs)
    this.#refusals.delete(key)
    this.#refusals.set(key, { ...added, sinceMs: nowMs })
    for (const oldest of this.#refusals.keys()) {
      if (this.#refusals.size <= maxCounted) break
      this.#refusals.delete(oldest)
    }
  }

  #append(news: AuditNews, at: number, nowMs: number): { segment: Segment; seq: number } {
    const seq = this.#nextSeq++
    const entry: AuditEntry = {
      ...news,
      what: news.what.slice(0, auditLimits.textChars),
      text: news.text.slice(0, auditLimits.textChars),
      signers: news.signers.slice(0, auditLimits.signers),
      seq,
      at,
      boot: this.#boot,
      uptimeMs: Math.max(0, Math.round(nowMs - this.#startedMs)),
      count: 1,
      lastAt: at,
    }
    let segment = this.#segments.at(-1)
    if (segment === undefined || segment.entries.length >= auditLimits.entriesPerSegment) {
      segment = { name: `${String(seq).padStart(12, '0')}${fileSuffix}`, entries: [] }
      this.#segments.push(segment)
    }
    segment.entries.push(entry)
    this.#unsaved.add(segment)
    return { segment, seq }
  }

  #again({ segment, seq }: { segment: Segment; seq: number }, at: number): void {
    const index = segment.entries.findIndex((entry) => entry.seq === seq)
    const entry = segment.entries[index]
    if (entry === undefined) return
    segment.entries[index] = { ...entry, count: entry.count + 1, lastAt: at }
    if (this.#segments.includes(segment)) this.#unsaved.add(segment)
  }

  #flushWithin(ms: number): void {
    const { clock } = this.#options
    const atMs = clock.monotonicMs() + ms
    if (this.#timer !== null && this.#timer.atMs <= atMs) return
    this.#timer?.cancel()
    this.#timer = { atMs, cancel: clock.after(ms, () => void this.flush()) }
  }

  async #write(): Promise<void> {
    const { folder, log } = this.#options
    try {
      for (const segment of this.#unsaved) {
        this.#unsaved.delete(segment)
        try {
          await folder.write(segment.name, encodeSegment(segment.entries))
        } catch (error) {
          this.#unsaved.add(segment)
          throw error
        }
      }
      // The old ones go once the new one is on the disk: a cut leaves one too many, never one too few.
      while (this.#segments.length > auditLimits.segments) {
        const oldest = this.#segments.shift()
        if (oldest === undefined) break
        this.#unsaved.delete(oldest)
        await folder.remove(oldest.name)
      }
    } catch (error) {
      log.warn('audit:unsaved', { error: messageOf(error) })
    }
  }
}

function encodeSegment(entries: readonly AuditEntry[]): Uint8Array {
  const body = encodeCbor({ v: 1, entries })
  return new Uint8Array(Buffer.concat([Buffer.from(digestOf(body), 'hex'), body]))
}

/** @throws where the bytes are not as they were written */
function readSegment(bytes: Uint8Array): AuditEntry[] {
  const body = bytes.subarray(digestBytes)
  if (Buffer.from(bytes.subarray(0, digestBytes)).toString('hex') !== digestOf(body)) {
    throw new Error('its digest does not fit')
  }
  const value = decodeCbor(body, { maxBytes: auditLimits.segmentBytes, maxDepth: 5, maxItems: 65_536 })
  return v.parse(segmentSchema, value).entries
}
