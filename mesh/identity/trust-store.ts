/**
 * Whom a node believes: its trust bundles, versions 1 to now, and the revocations beside them, on its disk. What they
 * allow is asked here.
 *
 * The whole chain is kept: it is small, it proves the newest version to a newcomer, and it answers who *was* an
 * admin when an old credential was given.
 */
import { shortDigest, type Digest, type DurableFolder } from '../../core/index.ts'
import type { OnAlarm } from './alarm.ts'
import { identityProblems } from './problems.ts'
import { openRevocationStore, type RevocationStore } from './revocation-store.ts'
import type { RevocationView } from './revocation-view.ts'
import { readTrust, type PublisherEntry, type TrustBundle } from './trust-bundle.ts'
import {
  maxEvidence,
  maxVersions,
  readEvidence,
  readTrustFiles,
  writeEvidence,
  writeTrustFiles,
} from './trust-files.ts'
import { TrustHistory } from './trust-history.ts'
import { judgeBundle, type TrustJudgement, type TrustOutcome } from './trust-rules.ts'
import { Turns } from './turns.ts'

/** All versions together: they travel as one head, which may have 1 MiB. */
const maxChainBytes = 1_040_000

/** What decisions need to know of trust. */
export interface Trust {
  readonly meshId: Digest
  /** The newest bundle; null before the first one was seen. */
  readonly current: TrustBundle | null
  /** What no longer counts. */
  readonly revoked: RevocationView
  /** May this key issue invites now? Not where it was revoked. */
  isAdmin(key: Uint8Array): boolean
  /**
   * Was it an admin in any version? Members do not fall out because an admin key was replaced; what a *revoked* admin
   * signed counts where its revocation lists it.
   */
  wasAdmin(key: Uint8Array): boolean
  /** What this key may publish now; null for a stranger, and for one that was revoked. */
  publisher(key: Uint8Array): PublisherEntry | null
  /** What this key could publish in each version that names it, revoked or not. */
  pastPublishers(key: Uint8Array): readonly PublisherEntry[]
  /** Calls `listener` after every change of bundle or revocations. @returns how to stop that */
  onChange(listener: () => void): () => void
}

export interface TrustStoreOptions {
  readonly meshId: Digest
  readonly folder: DurableFolder
  readonly onAlarm: OnAlarm
}

/**
 * Reads what was kept and verifies all of it again.
 * @throws where the disk does not give the chain, or take what mends it: see `readTrustFiles`
 */
export async function openTrustStore(options: TrustStoreOptions): Promise<TrustStore> {
  const { meshId, folder, onAlarm } = options
  const history = new TrustHistory(await readTrustFiles(options))
  const revocations = await openRevocationStore({
    meshId,
    onAlarm,
    folder: await folder.folder('revocations'),
    authority: history,
  })
  return new TrustStore(options, { history, revocations, evidence: await readEvidence(folder) })
}

interface TrustParts {
  readonly history: TrustHistory
  readonly revocations: RevocationStore
  readonly evidence: readonly TrustBundle[]
}

export class TrustStore implements Trust {
  readonly meshId: Digest
  readonly revocations: RevocationStore
  readonly #folder: DurableFolder
  readonly #onAlarm: OnAlarm
  readonly #history: TrustHistory
  readonly #turns = new Turns()
  readonly #listeners = new Set<() => void>()
  #evidence: readonly TrustBundle[]

  /** Use {@link openTrustStore}. */
  constructor(options: TrustStoreOptions, { history, revocations, evidence }: TrustParts) {
    this.meshId = options.meshId
    this.#folder = options.folder
    this.#onAlarm = options.onAlarm
    this.#history = history
    this.revocations = revocations
    this.#evidence = evidence
    revocations.onChange(() => this.#tell())
  }

  get current(): TrustBundle | null {
    return this.#history.current
  }

  get revoked(): RevocationView {
    return this.revocations.view
  }

  /** Versions 1…n as signed: what a newcomer needs. */
  chain(): Uint8Array[] {
    return this.#history.chain.map((bundle) => bundle.bytes)
  }

  /** Versions 1…n, read. */
  versions(): readonly TrustBundle[] {
    return this.#history.chain
  }

  /** Bundles that lost against one of the same version. */
  evidence(): readonly Uint8Array[] {
    return this.#evidence.map(({ bytes }) => bytes)
  }

  /**
   * Takes a bundle from anybody; on the disk when resolved.
   * @throws ERR_TRUST_INVALID, ERR_TRUST_SIGNATURE, ERR_TRUST_DUPLICATE, ERR_TRUST_MESH, ERR_TRUST_GAP,
   *   ERR_TRUST_MIXED, ERR_TRUST_THRESHOLD
   */
  offer(bytes: Uint8Array): Promise<{ outcome: TrustOutcome; bundle: TrustBundle }> {
    return this.#turns.take(async () => {
      const bundle = readTrust(bytes)
      const { chain } = this.#history
      const judged = judgeBundle(this.meshId, chain, bundle, this.#evidence)
      if (judged.chain !== chain) requireRoom(judged.chain)
      await this.#keepEvidence(bundle, chain, judged)
      if (judged.chain !== chain) await this.#replace(judged.chain)
      return { outcome: judged.outcome, bundle }
    })
  }

  /** Offers versions in order. @throws what {@link offer} throws, at the first that is refused */
  async offerChain(chain: readonly Uint8Array[]): Promise<void> {
    if (chain.length > maxVersions) throw tooLong(`a trust chain of ${chain.length} versions`)
    for (const bytes of chain) await this.offer(bytes)
  }

  isAdmin(key: Uint8Array): boolean {
    return this.#history.isAdmin(key) && !this.revoked.isAdminRevoked(key)
  }

  wasAdmin(key: Uint8Array): boolean {
    return this.#history.wasAdmin(key)
  }

  publisher(key: Uint8Array): PublisherEntry | null {
    return this.revoked.isPublisherRevoked(key) ? null : this.#history.publisher(key)
  }

  pastPublishers(key: Uint8Array): readonly PublisherEntry[] {
    return this.#history.pastPublishers(key)
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }

  async #replace(chain: readonly TrustBundle[]): Promise<void> {
    await writeTrustFiles(this.#folder, chain)
    this.#history.replace(chain)
    // Who may revoke follows from the chain, so it is asked again before anybody hears of the change.
    this.revocations.rejudge()
    this.#tell()
  }

  /** Whatever the chain held and holds no more, and what it never held, is a side of a fork. */
  async #keepEvidence(
    offered: TrustBundle,
    held: readonly TrustBundle[],
    { chain, forked }: TrustJudgement,
  ): Promise<void> {
    const standing = new Set(chain.map(({ digest }) => digest))
    const losers = [...held, ...(forked ? [offered] : [])].filter(({ digest }) => !standing.has(digest))
    const known = new Set(this.#evidence.map(({ digest }) => digest))
    const news = losers.filter(({ digest }) => !known.has(digest))
    if (news.length === 0) return
    // One that is back in the chain is no evidence any more, and makes room.
    const evidence = [...this.#evidence.filter(({ digest }) => !standing.has(digest)), ...news]
    if (evidence.length <= maxEvidence) {
      await writeEvidence(this.#folder, evidence)
      this.#evidence = evidence
    }
    const rival = held[offered.record.version - 1]
    if (forked && rival !== undefined) this.#reportFork(rival, offered)
  }

  #reportFork(held: TrustBundle, offered: TrustBundle): void {
    this.#onAlarm({
      code: 'ERR_TRUST_FORK',
      message: `two trust bundles have version ${held.record.version}: ${shortDigest(held.digest)} and ${shortDigest(offered.digest)}`,
      evidence: [held.bytes, offered.bytes],
    })
  }
}

function requireRoom(chain: readonly TrustBundle[]): void {
  if (chain.length > maxVersions) throw tooLong(`trust version ${chain.length}`)
  const sizeBytes = chain.reduce((sum, { bytes }) => sum + bytes.length + 8, 0)
  if (sizeBytes > maxChainBytes) throw tooLong(`a trust chain of ${sizeBytes} bytes`)
}

function tooLong(what: string): Error {
  return identityProblems.error(
    'ERR_TRUST_INVALID',
    `${what} is beyond the ${maxVersions} versions and ${maxChainBytes} bytes kept`,
  )
}
