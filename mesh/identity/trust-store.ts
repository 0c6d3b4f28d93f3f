/**
 * A node's trust bundles, versions 1 to now, on its disk. What they allow is asked here.
 *
 * The whole chain is kept: it is small, it proves the newest version to a newcomer, and it answers who *was* an
 * admin when an old credential was given. Revocations will stand beside it, not in it.
 */
import { decodeCbor, encodeCbor, messageOf, shortDigest } from '../../core/index.ts'
import type { Digest, DurableFolder } from '../../core/index.ts'
import type { OnAlarm } from './alarm.ts'
import { sameBytes } from './fields.ts'
import { identityProblems } from './problems.ts'
import { judgeBundle, maxTrustBytes, readTrust } from './trust-bundle.ts'
import type { PublisherEntry, TrustBundle, TrustOutcome } from './trust-bundle.ts'
import { Turns } from './turns.ts'

/** Longer chains are refused; with one change a week it is five years. */
const maxVersions = 256
const maxEvidence = 16
/**
 * The same twice, written one after the other: without its chain a node does not know whom to believe, not even the
 * peers that have it, and so could not start.
 */
const chainFiles = ['trust-chain.cbor', 'trust-chain.copy.cbor'] as const
const evidenceFile = 'trust-forks.cbor'

/** What decisions need to know of trust. */
export interface Trust {
  readonly meshId: Digest
  /** The newest bundle; null before the first one was seen. */
  readonly current: TrustBundle | null
  /** May this key issue invites now? */
  isAdmin(key: Uint8Array): boolean
  /**
   * Was it an admin in any version? Members do not fall out because an admin key was replaced; that an admin was
   * *revoked* has to be said in the revocations.
   */
  wasAdmin(key: Uint8Array): boolean
  /** What this key may publish now; null for a stranger. */
  publisher(key: Uint8Array): PublisherEntry | null
  /** What this key could publish in each version that names it. */
  pastPublishers(key: Uint8Array): PublisherEntry[]
  /** Calls `listener` after every change. @returns how to stop that */
  onChange(listener: () => void): () => void
}

export interface TrustStoreOptions {
  readonly meshId: Digest
  readonly folder: DurableFolder
  readonly onAlarm: OnAlarm
}

/**
 * Reads what was kept and verifies all of it again. Of the two copies the longer one counts, and mends the other; where
 * both are damaged, as much as verifies is kept and reported.
 * @throws where the disk does not give what it holds, or take what mends it: starting without the newest bundle would let an older one take its place
 */
export async function openTrustStore(options: TrustStoreOptions): Promise<TrustStore> {
  const copies: Copy[] = []
  for (const name of chainFiles) copies.push(await readCopy(options, name))
  const whole = longest(copies.filter(({ fault }) => fault === null))
  const best = whole.chain.length > 0 ? whole : longest(copies)
  const unread = copies.find(({ isUnread }) => isUnread)
  if (whole.chain.length === 0 && unread !== undefined) throw unread.fault
  for (const copy of copies) await mend(options, copy, whole)
  const evidence = await readEvidence(options.folder).catch(() => [])
  return new TrustStore(options, best.chain, evidence)
}

/** One of the two files, as far as it verifies. */
interface Copy {
  readonly name: string
  readonly chain: readonly TrustBundle[]
  readonly fault: unknown
  /** The disk did not give it; what is in it may be fine. */
  readonly isUnread: boolean
}

async function readCopy({ folder, meshId }: TrustStoreOptions, name: string): Promise<Copy> {
  const chain: TrustBundle[] = []
  let isUnread = true
  try {
    const stored = await folder.read(name, listBytes(maxVersions))
    isUnread = false
    for (const bytes of readList(stored, name, maxVersions)) {
      const bundle = readTrust(bytes)
      if (judgeBundle(meshId, chain, bundle).outcome === 'accepted') chain.push(bundle)
    }
    return { name, chain, fault: null, isUnread }
  } catch (fault) {
    return { name, chain, fault, isUnread }
  }
}

/** Of two equally long ones the first, which is written first. */
function longest(copies: readonly Copy[]): Copy {
  const none: Copy = { name: '', chain: [], fault: null, isUnread: false }
  return copies.reduce((best, copy) => (copy.chain.length > best.chain.length ? copy : best), none)
}

/** Brings a copy to what the whole one says, and tells of damage. */
async function mend({ folder, onAlarm }: TrustStoreOptions, copy: Copy, whole: Copy): Promise<void> {
  const report = (message: string): void => onAlarm({ code: 'ERR_STORED_DAMAGED', message, evidence: [] })
  const { name, chain, fault } = copy
  if (whole.chain.length === 0) {
    if (fault !== null) report(`${name} was kept up to version ${chain.length}: ${messageOf(fault)}`)
    return
  }
  if (fault === null && chain.at(-1)?.digest === whole.chain.at(-1)?.digest) return
  if (fault !== null) report(`${name} is written anew from ${whole.name}: ${messageOf(fault)}`)
  // Not left for later: a copy that stayed behind would turn trust back when the disk does not give the other.
  await folder.write(name, encodeChain(whole.chain))
}

function encodeChain(chain: readonly TrustBundle[]): Uint8Array {
  return encodeCbor({ v: 1, list: chain.map(({ bytes }) => bytes) })
}

export class TrustStore implements Trust {
  readonly meshId: Digest
  readonly #folder: DurableFolder
  readonly #onAlarm: OnAlarm
  readonly #turns = new Turns()
  readonly #listeners = new Set<() => void>()
  #chain: readonly TrustBundle[]
  #evidence: readonly Uint8Array[]

  /** Use {@link openTrustStore}. */
  constructor(options: TrustStoreOptions, chain: readonly TrustBundle[], evidence: readonly Uint8Array[]) {
    this.meshId = options.meshId
    this.#folder = options.folder
    this.#onAlarm = options.onAlarm
    this.#chain = chain
    this.#evidence = evidence
  }

  get current(): TrustBundle | null {
    return this.#chain.at(-1) ?? null
  }

  /** Versions 1…n as signed: what a newcomer needs. */
  chain(): Uint8Array[] {
    return this.#chain.map((bundle) => bundle.bytes)
  }

  /** Bundles that lost against one of the same version. */
  evidence(): readonly Uint8Array[] {
    return this.#evidence
  }

  /**
   * Takes a bundle from anybody; on the disk when resolved.
   * @throws ERR_TRUST_INVALID, ERR_TRUST_SIGNATURE, ERR_TRUST_MESH, ERR_TRUST_GAP
   */
  offer(bytes: Uint8Array): Promise<{ outcome: TrustOutcome; bundle: TrustBundle }> {
    return this.#turns.take(async () => {
      const bundle = readTrust(bytes)
      const { outcome, forked } = judgeBundle(this.meshId, this.#chain, bundle)
      const held = this.#chain[bundle.record.version - 1]
      if (forked && held !== undefined) await this.#keepEvidence(bundle, held, outcome)
      if (outcome === 'accepted' || outcome === 'fork-won') await this.#append(bundle)
      return { outcome, bundle }
    })
  }

  /** Offers versions in order. @throws what {@link offer} throws, at the first that is refused */
  async offerChain(chain: readonly Uint8Array[]): Promise<void> {
    if (chain.length > maxVersions) {
      throw identityProblems.error(
        'ERR_TRUST_INVALID',
        `a trust chain of ${chain.length} versions, more than ${maxVersions}`,
      )
    }
    for (const bytes of chain) await this.offer(bytes)
  }

  isAdmin(key: Uint8Array): boolean {
    return this.current?.record.admins.some((admin) => sameBytes(admin, key)) ?? false
  }

  wasAdmin(key: Uint8Array): boolean {
    return this.#chain.some(({ record }) => record.admins.some((admin) => sameBytes(admin, key)))
  }

  publisher(key: Uint8Array): PublisherEntry | null {
    return this.current?.record.publishers.find((entry) => sameBytes(entry.key, key)) ?? null
  }

  pastPublishers(key: Uint8Array): PublisherEntry[] {
    return this.#chain.flatMap(({ record }) => record.publishers.filter((entry) => sameBytes(entry.key, key)))
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async #append(bundle: TrustBundle): Promise<void> {
    const chain = [...this.#chain.slice(0, bundle.record.version - 1), bundle]
    if (chain.length > maxVersions) {
      throw identityProblems.error(
        'ERR_TRUST_INVALID',
        `trust version ${chain.length} is beyond the ${maxVersions} kept`,
      )
    }
    for (const name of chainFiles) await this.#folder.write(name, encodeChain(chain))
    this.#chain = chain
    for (const listener of this.#listeners) listener()
  }

  async #keepEvidence(offered: TrustBundle, held: TrustBundle, outcome: TrustOutcome): Promise<void> {
    const loser = outcome === 'fork-won' ? held.bytes : offered.bytes
    if (this.#evidence.some((bytes) => sameBytes(bytes, loser))) return
    if (this.#evidence.length < maxEvidence) {
      const evidence = [...this.#evidence, loser]
      await this.#folder.write(evidenceFile, encodeCbor({ v: 1, list: evidence }))
      this.#evidence = evidence
    }
    this.#onAlarm({
      code: 'ERR_TRUST_FORK',
      message: `two trust bundles have version ${held.record.version}: ${shortDigest(held.digest)} and ${shortDigest(offered.digest)}`,
      evidence: [held.bytes, offered.bytes],
    })
  }
}

async function readEvidence(folder: DurableFolder): Promise<Uint8Array[]> {
  return readList(await folder.read(evidenceFile, listBytes(maxEvidence)), evidenceFile, maxEvidence)
}

function listBytes(maxItems: number): number {
  return maxItems * (maxTrustBytes + 8) + 64
}

function readList(bytes: Uint8Array | null, name: string, maxItems: number): Uint8Array[] {
  if (bytes === null) return []
  const value = decodeCbor(bytes, { maxBytes: listBytes(maxItems), maxItems: maxItems + 8 }) as {
    v?: unknown
    list?: unknown
  }
  const list: unknown = value?.v === 1 ? value.list : undefined
  if (!Array.isArray(list) || !list.every((item) => item instanceof Uint8Array)) {
    throw identityProblems.error('ERR_STORED_DAMAGED', `${name} does not have the form this version writes`)
  }
  return list as Uint8Array[]
}
