/**
 * What one app has said here, as a ring of files with the newest lines in memory. Lines wait there until they are written
 * together; reading and writing take turns, so that no line is seen twice, or not at all, as it moves to the disk.
 */
import { messageOf, type Log } from '../../core/index.ts'
import { lineBytes, type ChargeScan, type KeptLine, type LogStart } from '../../mesh/index.ts'
import type { Wants } from './filter.ts'
import type { LogDisk, LogFile } from './log-disk.ts'
import { logLimits as limits } from './limits.ts'
import { linesPerStart, PageMaker, type LinesFound } from './page-maker.ts'
import { encodeLine, readSegment } from './segment.ts'

const suffix = '.log'

interface SegmentFile {
  readonly name: string
  /** The number of its first line. */
  readonly first: number
  bytes: number
}

interface Recent {
  readonly line: KeptLine
  readonly bytes: number
}

export interface AppJournalNeeds {
  readonly app: string
  readonly disk: LogDisk
  readonly log: Log
  /** Numbers of this start are above it. */
  readonly base: number
  /** Of all its files together. */
  readonly maxBytes: number
}

export class AppJournal {
  readonly #needs: AppJournalNeeds
  readonly #segments: SegmentFile[]
  /** The newest lines, whose last {@link #unsaved} are not on the disk. */
  #recent: Recent[] = []
  #recentBytes = 0
  #unsaved = 0
  #unsavedBytes = 0
  /** The last file may end in the middle of a line: of the start before, or of a write that failed. */
  #isTorn: boolean
  #next: number
  /** Nothing was said since this node started: the app may be gone. */
  isSilent = true
  #turn: Promise<unknown> = Promise.resolve()

  constructor(needs: AppJournalNeeds, files: readonly LogFile[]) {
    this.#needs = needs
    this.#segments = files
      .flatMap(({ name, bytes }) => ({ name, bytes, first: firstOf(name) }))
      .filter(({ first }) => first > 0)
      .sort((a, b) => a.first - b.first)
    this.#isTorn = this.#segments.length > 0
    // Above all that is there, should the node have lost count of its starts.
    const last = this.#segments.at(-1)?.first ?? 0
    const base = last > needs.base ? (Math.floor(last / linesPerStart) + 1) * linesPerStart : needs.base
    this.#next = base + 1
  }

  /** Of its files. */
  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  get files(): number {
    return this.#segments.length
  }

  get unsavedBytes(): number {
    return this.#unsavedBytes
  }

  append(said: Omit<KeptLine, 'seq'>): void {
    this.isSilent = false
    const line = { ...said, seq: this.#next++ }
    const bytes = lineBytes(line)
    this.#recent.push({ line, bytes })
    this.#recentBytes += bytes
    this.#unsaved += 1
    this.#unsavedBytes += bytes
    // The disk takes nothing; what is lost shows as a gap between the numbers.
    while (this.#unsavedBytes > limits.waitingBytes) {
      const isLost = this.#unsaved === this.#recent.length
      const oldest = this.#dropOldest()
      if (!isLost || oldest === undefined) continue
      this.#unsaved -= 1
      this.#unsavedBytes -= oldest.bytes
    }
  }

  /** Writes what waits. @throws what the disk throws; nothing of it is lost then */
  flush(): Promise<void> {
    return this.#inTurn(() => this.#write())
  }

  /** Makes room by the oldest file. @throws what the disk throws */
  dropOldest(): Promise<void> {
    return this.#inTurn(() => this.#removeOldest())
  }

  /** The lines from a place on that are wanted, as many as a page holds. Its clock is left to the caller. */
  async read(from: LogStart, wants: Wants, charge: ChargeScan): Promise<LinesFound> {
    if ('after' in from) return this.#inTurn(() => this.#page(from.after, wants))
    const place = await this.#placeOfTail(from.tail, wants, charge)
    const page = await this.#inTurn(() => this.#page(place, wants))
    return { ...page, missed: 0 }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  /** Writes what was said until now, in pieces that fit into a file. */
  async #write(): Promise<void> {
    const until = this.#next - 1
    for (;;) {
      const lines = this.#firstUnsaved(until)
      if (lines.length === 0) break
      await this.#add(lines)
      const written = lines.at(-1)?.seq ?? 0
      // Lines came meanwhile, and some may have made room for them.
      const left = this.#recent.filter(({ line }) => line.seq > written)
      this.#unsaved = left.length
      this.#unsavedBytes = left.reduce((sum, { bytes }) => sum + bytes, 0)
    }
    this.#trim()
    while (this.bytes > this.#needs.maxBytes && this.#segments.length > 1) await this.#removeOldest()
  }

  #firstUnsaved(until: number): KeptLine[] {
    let bytes = 0
    const lines: KeptLine[] = []
    for (const { line, bytes: size } of this.#recent.slice(this.#recent.length - this.#unsaved)) {
      bytes += size
      if (line.seq > until || (lines.length > 0 && bytes > limits.flushBytes)) break
      lines.push(line)
    }
    return lines
  }

  async #add(lines: readonly KeptLine[]): Promise<void> {
    const text = lines.map(encodeLine).join('')
    const bytes = Buffer.from(this.#isTorn ? `\n${text}` : text)
    const segment = this.#segmentFor(bytes.length, lines[0]?.seq ?? 0)
    this.#isTorn = true
    const { app, disk } = this.#needs
    try {
      await disk.append(app, segment.name, bytes)
      this.#grown(segment, segment.bytes + bytes.length)
    } catch (error) {
      // A part of it may have come there, which takes room as well.
      this.#grown(segment, await disk.size(app, segment.name).catch(() => segment.bytes))
      throw error
    }
    this.#isTorn = false
  }

  #grown(segment: SegmentFile, bytes: number): void {
    segment.bytes = bytes
    if (bytes > 0 && !this.#segments.includes(segment)) this.#segments.push(segment)
  }

  #segmentFor(bytes: number, first: number): SegmentFile {
    const last = this.#segments.at(-1)
    if (last !== undefined && last.bytes + bytes <= limits.segmentBytes) return last
    return { name: `${String(first).padStart(16, '0')}${suffix}`, first, bytes: 0 }
  }

  async #removeOldest(): Promise<void> {
    const oldest = this.#segments[0]
    if (oldest === undefined) return
    await this.#needs.disk.remove(this.#needs.app, oldest.name)
    this.#segments.shift()
  }

  /** Only in turns: a reader counts on what is in memory. */
  #trim(): void {
    const isOver = (): boolean =>
      this.#recent.length > limits.recentLines || this.#recentBytes > limits.recentBytes
    while (this.#recent.length > this.#unsaved && isOver()) this.#dropOldest()
  }

  #dropOldest(): Recent | undefined {
    const oldest = this.#recent.shift()
    this.#recentBytes -= oldest?.bytes ?? 0
    return oldest
  }

  /**
   * Each file in a turn of its own: where few lines are wanted, all of them are looked through, and what is said meanwhile
   * must not wait so long to be written.
   * @returns the number behind which the newest `count` lines are that are wanted
   */
  async #placeOfTail(count: number, wants: Wants, charge: ChargeScan): Promise<number> {
    const newest = this.#next - 1
    if (count === 0) return newest
    let found = 0
    // A moment without a wait: what is in memory now, and which files there are beside it.
    const { recent, segments } = await this.#inTurn(async () => {
      return { recent: [...this.#recent], segments: [...this.#segments] }
    })
    for (const { line } of [...recent].reverse()) if (wants(line) && ++found === count) return line.seq - 1
    let before = recent[0]?.line.seq ?? Infinity
    for (const segment of segments.reverse()) {
      if (segment.first >= before) continue
      // Between two turns: who has to wait for it keeps nobody from writing.
      await charge(segment.bytes)
      const lines = await this.#inTurn(() => this.#linesOf(segment))
      for (const line of lines.filter(({ seq }) => seq < before).reverse())
        if (wants(line) && ++found === count) return line.seq - 1
      before = segment.first
    }
    return 0
  }

  async #page(after: number, wants: Wants): Promise<LinesFound> {
    const page = new PageMaker(after, wants)
    // As it is now: a disk that takes nothing may shorten it while files are read.
    const recent = [...this.#recent]
    const oldest = recent[0]?.line.seq ?? Infinity
    if (after < oldest - 1) {
      for (const [at, segment] of this.#segments.entries()) {
        const next = this.#segments[at + 1]?.first ?? Infinity
        if (segment.first >= oldest || next <= page.cursor + 1) continue
        if (page.scannedBytes >= limits.scannedBytes) return page.ended(true)
        page.scannedBytes += segment.bytes
        for (const line of await this.#linesOf(segment)) if (!page.take(line)) return page.ended(true)
      }
    }
    for (const { line } of recent) if (!page.take(line)) return page.ended(true)
    return page.ended(false)
  }

  async #linesOf({ name }: SegmentFile): Promise<KeptLine[]> {
    const { app, disk, log } = this.#needs
    try {
      const bytes = await disk.read(app, name, limits.readBytes)
      const { lines, damaged } = readSegment(bytes ?? new Uint8Array(0))
      if (damaged > 0) log.debug('logs:damaged', { app, file: name, lines: damaged })
      return [...lines]
    } catch (error) {
      log.warn('logs:unreadable', { app, file: name, error: messageOf(error) })
      return []
    }
  }
}

/** @returns 0 for a file that is none of ours */
function firstOf(name: string): number {
  const match = /^(\d{16})\.log$/.exec(name)
  return match === null ? 0 : Number(match[1])
}
