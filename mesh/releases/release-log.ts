/**
 * The releases a node holds, app by app: what it should run, what came before, and the proof of forks.
 *
 * Nothing is acknowledged before it is on the disk, and what is read from the disk is verified like what comes from
 * a peer. One file per app, replaced as a whole: a power cut leaves the state before or after, never between. Which of
 * it counts is asked anew of trust, at once when that changes and when the files are read; the files stay as they are.
 */
import {
  isSelvedgeError,
  messageOf,
  shortDigest,
  type Clock,
  type Digest,
  type DurableFolder,
} from '../../core/index.ts'
import { hexOf, Turns, type OnAlarm, type Trust } from '../identity/index.ts'
import { HeadList, ReleaseIndex } from './head-list.ts'
import type { HeldRelease, HistoryEntry } from './held-release.ts'
import { encodeHistory, maxHistoryFileBytes } from './history-file.ts'
import { releasesProblems } from './problems.ts'
import { readStored, requireMesh, requireNext, signersOf } from './release-checks.ts'
import {
  allOf,
  haltOf,
  requireStanding,
  settle,
  stranger,
  wasAllowed,
  type AppReleases,
  type Halt,
} from './release-standing.ts'
import { judgeRelease, type ReleaseOutcome } from './sequence.ts'
import { appNamePattern, readRelease, type SignedRelease } from './signed-release.ts'

/** Apps a node keeps releases of; each costs a file of at most 2.1 MB, usually of a few KB. */
const maxApps = 16_384
/** Files read at once when the log is opened. */
const readsAtOnce = 16

export interface OfferedRelease {
  readonly outcome: ReleaseOutcome
  readonly record: SignedRelease['record']
  readonly digest: Digest
  readonly release: SignedRelease
}

/** The newest release of an app is another one, or may run no more, or again. */
export interface HeadChange {
  readonly app: string
  /** Null where none counts any more. */
  readonly head: HeldRelease | null
}

export interface ReleaseLogOptions {
  readonly trust: Trust
  readonly folder: DurableFolder
  readonly clock: Clock
  readonly onAlarm: OnAlarm
}

const none: AppReleases<HeldRelease> = { line: [], forks: [], fallen: [] }

/**
 * Opens the log and verifies all that it kept. A damaged file is removed and reported; one that could not be read is
 * reported and asked for again.
 */
export async function openReleaseLog(options: ReleaseLogOptions): Promise<ReleaseLog> {
  const log = new ReleaseLog(options)
  await log.load()
  return log
}

export class ReleaseLog {
  readonly #options: ReleaseLogOptions
  readonly #apps = new Map<string, AppReleases<HeldRelease>>()
  readonly #heads = new HeadList<HeldRelease>()
  readonly #index = new ReleaseIndex<HeldRelease>()
  /** The heads that must not run. */
  readonly #halts = new Map<string, Halt>()
  /** Files that could not be read: what is in them may be newer than what is offered. */
  readonly #unread = new Set<string>()
  readonly #turns = new Turns()
  readonly #listeners = new Set<(changes: readonly HeadChange[]) => void>()

  /** Use {@link openReleaseLog}. */
  constructor(options: ReleaseLogOptions) {
    this.#options = options
    options.trust.onChange(() => this.#rejudge())
  }

  /** Reads the files of apps that are not held yet. */
  load(): Promise<void> {
    return this.#turns.take(async () => {
      const names = (await this.#options.folder.list()).slice(0, maxApps)
      const left = names.filter((name) => !this.#apps.has(appOf(name)))
      for (let at = 0; at < left.length; at += readsAtOnce) {
        await Promise.all(left.slice(at, at + readsAtOnce).map((name) => this.#load(name)))
      }
    })
  }

  /**
   * Takes a release from anybody; on the disk when resolved.
   * @throws ERR_RELEASE_SIGNATURE, ERR_RELEASE_STRANGER, ERR_RELEASE_DELEGATION, ERR_RELEASE_REVOKED,
   *   ERR_RELEASE_MESH, ERR_RELEASE_INVALID, ERR_RELEASE_TOO_LARGE, ERR_RELEASE_APPS, ERR_RELEASES_UNREAD
   */
  offer(bytes: Uint8Array): Promise<OfferedRelease> {
    return this.#turns.take(() => this.#take(this.#check(bytes)))
  }

  /**
   * Takes a release from the local control API, where the next one of its app is expected: a number above the
   * head's, and the head's digest as `previous`. The head itself, sent again, is `known`.
   * @throws ERR_RELEASE_SEQUENCE and what {@link offer} throws
   */
  publish(bytes: Uint8Array): Promise<OfferedRelease> {
    return this.#turns.take(() => {
      const release = this.#check(bytes)
      const head = this.head(release.record.app)
      if (head?.digest !== release.digest) requireNext(release, head)
      return this.#take(release)
    })
  }

  /** The newest release of each app that counts, by app name: what is passed on. */
  heads(): HeldRelease[] {
    return this.#heads.all()
  }

  /** Of {@link heads} those that may run. */
  desired(): HeldRelease[] {
    return this.heads().filter(({ record }) => !this.#halts.has(record.app))
  }

  /** Why the newest release of an app must not run; null where it may, and where there is none. */
  halted(app: string): Halt | null {
    return this.#halts.get(app) ?? null
  }

  head(app: string): HeldRelease | null {
    return this.#apps.get(app)?.line[0] ?? null
  }

  /** The releases of an app, newest first, then the evidence of forks, then what counts no more. */
  history(app: string): HistoryEntry[] {
    const { line, forks, fallen } = this.#apps.get(app) ?? none
    return [
      ...line.map((release, index): HistoryEntry => ({ ...release, role: index === 0 ? 'head' : 'past' })),
      ...forks.map((release): HistoryEntry => ({ ...release, role: 'fork' })),
      ...fallen.map((release): HistoryEntry => ({ ...release, role: 'revoked' })),
    ]
  }

  /** For each app the newest release of this publisher that counts: what its revocation should list. */
  lastOf(publisher: Uint8Array): HeldRelease[] {
    const key = hexOf(publisher)
    return [...this.#apps.values()].flatMap(({ line }) => {
      const last = line.find((release) => hexOf(release.publisher) === key)
      return last === undefined ? [] : [last]
    })
  }

  /** A release by the digest of its signed bytes, whether it counts or not. */
  get(digest: Digest): HeldRelease | null {
    return this.#index.get(digest)
  }

  /** Calls `listener` with what changed, after it is on the disk. @returns how to stop that */
  onChange(listener: (changes: readonly HeadChange[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #load(name: string): Promise<void> {
    const { folder, trust } = this.#options
    // What cannot be read today may be read tomorrow: only what was read and is wrong is removed.
    this.#unread.delete(name)
    const bytes = await folder.read(name, maxHistoryFileBytes).catch((error: unknown) => {
      if (!isSelvedgeError(error, 'ERR_FILE_TOO_LARGE')) this.#unread.add(name)
      this.#report(name, error)
      return null
    })
    if (bytes === null) return
    const app = appOf(name)
    try {
      if (!appNamePattern.test(app) || name !== fileName(app))
        throw new Error('its name is not that of an app')
      const stored = readStored(bytes, app, trust)
      const unknown = [...stored.line, ...stored.forks].find((release) => !wasAllowed(release, trust))
      if (unknown !== undefined) this.#report(name, stranger(unknown))
      this.#tell(this.#hold(app, stored))
    } catch (error) {
      await folder.remove(name)
      this.#report(name, error)
    }
  }

  #report(name: string, error: unknown): void {
    const message = `releases of ${name}: ${messageOf(error)}`
    this.#options.onAlarm({ code: 'ERR_STORED_DAMAGED', message, evidence: [] })
  }

  /** Sorts what is held of an app by the trust of this moment. @returns what changed */
  #hold(app: string, next: AppReleases<HeldRelease>): HeadChange[] {
    const { trust } = this.#options
    const before = this.#apps.get(app) ?? none
    const held = settle(next, trust)
    const head = held.line[0] ?? null
    const halt = head === null ? null : haltOf(head, trust)
    const wasHalted = this.#halts.has(app)
    if (held !== before) {
      this.#apps.set(app, held)
      this.#index.replace(allOf(before), allOf(held))
    }
    if (halt === null) this.#halts.delete(app)
    else this.#halts.set(app, halt)
    if (head === (before.line[0] ?? null) && wasHalted === (halt !== null)) return []
    this.#heads.set(app, head)
    return [{ app, head }]
  }

  /** Trust has changed: what was taken may count no more, or again. */
  #rejudge(): void {
    this.#tell([...this.#apps].flatMap(([app, held]) => this.#hold(app, held)))
    // A disk that cannot be read now shows at the next write, with a caller who can be told.
    if (this.#unread.size > 0) this.load().catch((error: unknown) => this.#report('the folder', error))
  }

  #tell(changes: readonly HeadChange[]): void {
    if (changes.length === 0) return
    for (const listener of this.#listeners) listener(changes)
  }

  #check(bytes: Uint8Array): SignedRelease {
    const release = readRelease(bytes)
    const { trust } = this.#options
    requireMesh(release, trust)
    requireStanding(release, allOf(this.#apps.get(release.record.app) ?? none), trust)
    return release
  }

  async #take(release: SignedRelease): Promise<OfferedRelease> {
    const { app } = release.record
    await this.#requireRead(app)
    const held = this.#apps.get(app) ?? none
    const offered: HeldRelease = { ...release, receivedAt: this.#options.clock.now() }
    const { outcome, next, rival } = judgeRelease<HeldRelease>(held, offered)
    const changes = next === held ? [] : await this.#keep(app, { ...next, fallen: held.fallen })
    if (rival !== null) this.#reportFork(rival, release)
    this.#tell(changes)
    return { outcome, record: release.record, digest: release.digest, release }
  }

  /** Numbers must not go back because the disk had a bad moment when the node started. */
  async #requireRead(app: string): Promise<void> {
    const name = fileName(app)
    if (!this.#unread.has(name)) return
    await this.#load(name)
    if (!this.#unread.has(name)) return
    throw releasesProblems.error('ERR_RELEASES_UNREAD', `the stored releases of ${app} cannot be read`)
  }

  async #keep(app: string, next: AppReleases<HeldRelease>): Promise<HeadChange[]> {
    if (!this.#apps.has(app) && this.#apps.size >= maxApps) {
      throw releasesProblems.error(
        'ERR_RELEASE_APPS',
        `there are ${maxApps} apps already; ${app} was not added`,
      )
    }
    await this.#options.folder.write(fileName(app), encodeHistory(next))
    // Trust may have changed while the disk was at work.
    return this.#hold(app, next)
  }

  #reportFork(held: SignedRelease, offered: SignedRelease): void {
    const { app, seq } = held.record
    const stands = held.digest < offered.digest ? held : offered
    this.#options.onAlarm({
      code: 'ERR_RELEASE_FORK',
      message: `${app} has two releases with number ${seq}, of ${signersOf(held, offered)}; ${shortDigest(stands.digest)} stands`,
      evidence: [held.bytes, offered.bytes],
    })
  }
}

const fileSuffix = '.cbor'

function fileName(app: string): string {
  return `${app}${fileSuffix}`
}

function appOf(name: string): string {
  return name.slice(0, -fileSuffix.length)
}
