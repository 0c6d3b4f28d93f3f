/**
 * How the trust chain lies on the disk: the same twice, written one after the other. Without its chain a node does not
 * know whom to believe, not even the peers that have it, and so could not start.
 */
import { decodeCbor, encodeCbor, messageOf, type Digest, type DurableFolder } from '../../core/index.ts'
import type { OnAlarm } from './alarm.ts'
import { identityProblems } from './problems.ts'
import { maxTrustBytes, readTrust, type TrustBundle } from './trust-bundle.ts'
import { judgeBundle } from './trust-rules.ts'

/** Longer chains are refused; with one change a week it is five years. */
export const maxVersions = 256
/** Bundles kept that lost against another of their version. */
export const maxEvidence = 16
const chainFiles = ['trust-chain.cbor', 'trust-chain.copy.cbor'] as const
const evidenceFile = 'trust-forks.cbor'

interface FilesOptions {
  readonly meshId: Digest
  readonly folder: DurableFolder
  readonly onAlarm: OnAlarm
}

/**
 * Reads the chain and verifies all of it again. Of the two copies the longer one counts, and mends the other; where
 * both are damaged, as much as verifies is kept and reported.
 * @throws where the disk does not give what it holds, or take what mends it: starting without the newest bundle would let an older one take its place
 */
export async function readTrustFiles(options: FilesOptions): Promise<readonly TrustBundle[]> {
  const copies: Copy[] = []
  for (const name of chainFiles) copies.push(await readCopy(options, name))
  const whole = longest(copies.filter(({ fault }) => fault === null))
  const best = whole.chain.length > 0 ? whole : longest(copies)
  const unread = copies.find(({ isUnread }) => isUnread)
  if (whole.chain.length === 0 && unread !== undefined) throw unread.fault
  for (const copy of copies) await mend(options, copy, whole)
  return best.chain
}

export async function writeTrustFiles(folder: DurableFolder, chain: readonly TrustBundle[]): Promise<void> {
  for (const name of chainFiles) await folder.write(name, encodeChain(chain))
}

/** Bundles that lost; those that cannot be read are left out, nothing rests on them. */
export async function readEvidence(folder: DurableFolder): Promise<TrustBundle[]> {
  const stored = await folder.read(evidenceFile, listBytes(maxEvidence)).catch(() => null)
  try {
    return readList(stored, evidenceFile, maxEvidence).map(readTrust)
  } catch {
    return []
  }
}

export async function writeEvidence(folder: DurableFolder, evidence: readonly TrustBundle[]): Promise<void> {
  await folder.write(evidenceFile, encodeChain(evidence))
}

/** One of the two files, as far as it verifies. */
interface Copy {
  readonly name: string
  readonly chain: readonly TrustBundle[]
  readonly fault: unknown
  /** The disk did not give it; what is in it may be fine. */
  readonly isUnread: boolean
}

async function readCopy({ folder, meshId }: FilesOptions, name: string): Promise<Copy> {
  let chain: readonly TrustBundle[] = []
  let isUnread = true
  try {
    const stored = await folder.read(name, listBytes(maxVersions))
    isUnread = false
    for (const bytes of readList(stored, name, maxVersions)) {
      chain = judgeBundle(meshId, chain, readTrust(bytes)).chain
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
async function mend({ folder, onAlarm }: FilesOptions, copy: Copy, whole: Copy): Promise<void> {
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
