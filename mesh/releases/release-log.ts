/**
 * The releases a node holds, app by app: what it should run, what came before, and the proof of forks.
 *
 * Nothing is acknowledged before it is on the disk, and what is read from the disk is verified like what comes from
 * a peer. One file per app, replaced as a whole: a power cut leaves the state before or after, never between.
 */
import {
  isSelvedgeError,
  messageOf,
  shortDigest,
  type Clock,
  type Digest,
  type DurableFolder,
} from '../../core/index.ts'
import { hexOf, Turns, type OnAlarm, type PublisherEntry, type Trust } from '../identity/index.ts'
import { decodeHistory, encodeHistory, maxHistoryFileBytes } from './history-file.ts'
import { releasesProblems } from './problems.ts'
import { judgeRelease, type History, type ReleaseOutcome } from './sequence.ts'
import { appNamePattern, readRelease, requireDelegation, type SignedRelease } from './signed-release.ts'

/** Apps a node keeps releases of; each costs a file of at most 1.6 MB, usually of a few KB. */
const maxApps = 1_024

/** A release that this node holds. */
export interface HeldRelease extends SignedRelease {
  /** When this node took it, by its own wall clock; ms since the epoch. */
  readonly receivedAt: number
}

/** How a held release stands: `head` is what every node should run. */
export interface HistoryEntry extends HeldRelease {
  readonly role: 'head' | 'past' | 'fork'
}

export interface OfferedRelease {
  readonly outcome: ReleaseOutcome
  readonly record: SignedRelease['record']
  readonly digest: Digest
  readonly release: SignedRelease
}

export interface ReleaseLogOptions {
  readonly trust: Trust
  readonly folder: DurableFolder
  readonly clock: Clock
  readonly onAlarm: OnAlarm
}

const none: History<HeldRelease> = { line: [], forks: [] }

/**
 * Opens the log and verifies all that it kept. A damaged file is removed and reported. One that only lacks a
 * publisher this node trusts is reported and left: it is read again when the trust bundle has changed.
 */
export async function openReleaseLog(options: ReleaseLogOptions): Promise<ReleaseLog> {
  const log = new ReleaseLog(options)
  await log.load()
  return log
}

export class ReleaseLog {
  readonly #options: ReleaseLogOptions
  readonly #apps = new Map<string, History<HeldRelease>>()
  /** Files that could not be read: what is in them may be newer than what is offered. */
  readonly #unread = new Set<string>()
  readonly #turns = new Turns()
  readonly #listeners = new Set<(release: HeldRelease) => void>()

  /** Use {@link openReleaseLog}. */
  constructor(options: ReleaseLogOptions) {
    this.#options = options
    options.trust.onChange(() => {
      // A disk that cannot be read now shows at the next write, with a caller who can be told.
      this.load().catch((error: unknown) => this.#report('the folder', error))
    })
  }

  /** Reads the files of apps that are not held yet. */
  load(): Promise<void> {
    return this.#turns.take(async () => {
      for (const name of (await this.#options.folder.list()).slice(0, maxApps)) {
        const app = name.slice(0, -fileSuffix.length)
        if (!this.#apps.has(app)) await this.#load(name, app)
      }
    })
  }

  /**
   * Takes a release from anybody; on the disk when resolved.
   * @throws ERR_RELEASE_SIGNATURE, ERR_RELEASE_STRANGER, ERR_RELEASE_DELEGATION, ERR_RELEASE_MESH,
   *   ERR_RELEASE_INVALID, ERR_RELEASE_TOO_LARGE, ERR_RELEASE_APPS, ERR_RELEASES_UNREAD
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

  /** The newest release of each app, by app name. */
  heads(): HeldRelease[] {
    return [...this.#apps.values()]
      .flatMap(({ line }) => line.slice(0, 1))
      .sort((a, b) => (a.record.app < b.record.app ? -1 : 1))
  }

  head(app: string): HeldRelease | null {
    return this.#apps.get(app)?.line[0] ?? null
  }

  /** The releases of an app, newest first, then the evidence of forks. */
  history(app: string): HistoryEntry[] {
    const { line, forks } = this.#apps.get(app) ?? none
    return [
      ...line.map((release, index): HistoryEntry => ({ ...release, role: index === 0 ? 'head' : 'past' })),
      ...forks.map((release): HistoryEntry => ({ ...release, role: 'fork' })),
    ]
  }

  /** A release by the digest of its signed bytes. */
  get(digest: Digest): HeldRelease | null {
    for (const { line, forks } of this.#apps.values()) {
      const found = [...line, ...forks].find((release) => release.digest === digest)
      if (found !== undefined) return found
    }
    return null
  }

  /** Calls `listener` with each new head, after it is on the disk. @returns how to stop that */
  onChange(listener: (head: HeldRelease) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #load(name: string, app: string): Promise<void> {
    const { folder, trust } = this.#options
    // What cannot be read today may be read tomorrow: only what was read and is wrong is removed.
    this.#unread.delete(name)
    const bytes = await folder.read(name, maxHistoryFileBytes).catch((error: unknown) => {
      if (!isSelvedgeError(error, 'ERR_FILE_TOO_LARGE')) this.#unread.add(name)
      this.#report(name, error)
      return null
    })
    if (bytes === null) return
    try {
      if (!appNamePattern.test(app) || name !== fileName(app))
        throw new Error('its name is not that of an app')
      const held = readStored(bytes, app, trust)
      this.#apps.set(app, held)
      for (const head of held.line.slice(0, 1)) this.#tell(head)
    } catch (error) {
      if (!isSelvedgeError(error, 'ERR_RELEASE_STRANGER')) await folder.remove(name)
      this.#report(name, error)
    }
  }

  #report(name: string, error: unknown): void {
    const message = `releases of ${name}: ${messageOf(error)}`
    this.#options.onAlarm({ code: 'ERR_STORED_DAMAGED', message, evidence: [] })
  }

  #tell(head: HeldRelease): void {
    for (const listener of this.#listeners) listener(head)
  }

  #check(bytes: Uint8Array): SignedRelease {
    const release = readRelease(bytes)
    const { trust } = this.#options
    requireMesh(release, trust)
    const entry = trust.publisher(release.publisher)
    if (entry === null) throw stranger(release)
    requireDelegation(release.record, entry)
    return release
  }

  async #take(release: SignedRelease): Promise<OfferedRelease> {
    const { app } = release.record
    await this.#requireRead(app)
    const held = this.#apps.get(app) ?? none
    const offered: HeldRelease = { ...release, receivedAt: this.#options.clock.now() }
    const { outcome, next, rival } = judgeRelease(held, offered)
    if (next !== held) await this.#keep(app, next)
    if (rival !== null) this.#reportFork(rival, release)
    if (outcome === 'accepted' || outcome === 'fork-won') this.#tell(offered)
    return { outcome, record: release.record, digest: release.digest, release }
  }

  /** Numbers must not go back because the disk had a bad moment when the node started. */
  async #requireRead(app: string): Promise<void> {
    const name = fileName(app)
    if (!this.#unread.has(name)) return
    await this.#load(name, app)
    if (!this.#unread.has(name)) return
    throw releasesProblems.error('ERR_RELEASES_UNREAD', `the stored releases of ${app} cannot be read`)
  }

  async #keep(app: string, next: History<HeldRelease>): Promise<void> {
    if (!this.#apps.has(app) && this.#apps.size >= maxApps) {
      throw releasesProblems.error(
        'ERR_RELEASE_APPS',
        `there are ${maxApps} apps already; ${app} was not added`,
      )
    }
    await this.#options.folder.write(fileName(app), encodeHistory(next))
    this.#apps.set(app, next)
  }

  #reportFork(held: SignedRelease, offered: SignedRelease): void {
    const { app, seq } = held.record
    const stands = held.digest < offered.digest ? held : offered
    this.#options.onAlarm({
      code: 'ERR_RELEASE_FORK',
      message: `${app} has two releases with number ${seq}, of ${signers(held, offered)}; ${shortDigest(stands.digest)} stands`,
      evidence: [held.bytes, offered.bytes],
    })
  }
}

const fileSuffix = '.cbor'

function fileName(app: string): string {
  return `${app}${fileSuffix}`
}

/** Stored releases were taken under the trust of their day, so any version that allowed them will do. */
function readStored(bytes: Uint8Array, app: string, trust: Trust): History<HeldRelease> {
  const check = (signed: Uint8Array): SignedRelease => {
    const release = readRelease(signed)
    requireMesh(release, trust)
    if (release.record.app !== app) throw new Error(`it holds a release of ${release.record.app}`)
    if (!trust.pastPublishers(release.publisher).some((entry) => allows(entry, release)))
      throw stranger(release)
    return release
  }
  const { line, forks } = decodeHistory(bytes, check)
  const ordered = line.every((release, index) => {
    const newer = line[index - 1]
    return newer === undefined || newer.record.seq > release.record.seq
  })
  if (!ordered || line.length === 0) throw new Error('its releases are out of order')
  return { line, forks }
}

function allows(entry: PublisherEntry, { record }: SignedRelease): boolean {
  try {
    requireDelegation(record, entry)
    return true
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_RELEASE_DELEGATION')) return false
    throw error
  }
}

function requireMesh({ record }: SignedRelease, trust: Trust): void {
  if (record.mesh === trust.meshId) return
  throw releasesProblems.error(
    'ERR_RELEASE_MESH',
    `${record.app} ${record.version} is for mesh ${shortDigest(record.mesh)}, this is ${shortDigest(trust.meshId)}`,
  )
}

function requireNext({ record }: SignedRelease, head: SignedRelease | null): void {
  const { app, seq, previous } = record
  const headSeq = head?.record.seq ?? 0
  if (seq <= headSeq) {
    throw releasesProblems.error(
      'ERR_RELEASE_SEQUENCE',
      `${app} is at number ${headSeq} here; ${seq} is not above it`,
    )
  }
  if (previous === (head?.digest ?? null)) return
  const follows = previous === null ? 'no release' : `release ${shortDigest(previous)}`
  const newest = head === null ? 'there is none yet' : `the newest here is ${shortDigest(head.digest)}`
  throw releasesProblems.error(
    'ERR_RELEASE_SEQUENCE',
    `this release of ${app} follows ${follows}, but ${newest}`,
  )
}

function stranger({ record, publisher }: SignedRelease): Error {
  return releasesProblems.error(
    'ERR_RELEASE_STRANGER',
    `${record.app} ${record.version} is signed by ${hexOf(publisher).slice(0, 16)}…, which is no publisher of this mesh`,
  )
}

function signers(a: SignedRelease, b: SignedRelease): string {
  const keys = new Set([a, b].map(({ publisher }) => `${hexOf(publisher).slice(0, 16)}…`))
  return keys.size === 1
    ? `one publisher, ${[...keys].join('')}`
    : `the publishers ${[...keys].join(' and ')}`
}
