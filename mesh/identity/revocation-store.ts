/** The revocations a node holds, one file each, verified again when they are read, and what they say. */
import { shortDigest, type Digest, type DurableFolder } from '../../core/index.ts'
import type { OnAlarm } from './alarm.ts'
import { readKept } from './kept-files.ts'
import { identityProblems } from './problems.ts'
import { addRevocation, type RevocationSet } from './revocation-set.ts'
import {
  judgeRevocations,
  mayRevoke,
  type RevocationAuthority,
  type RevocationView,
} from './revocation-view.ts'
import { readRevocation, revocationLimits, type SignedRevocation } from './revocation.ts'
import { Turns } from './turns.ts'

const fileSuffix = '.cose'
/** Files looked at when the store is opened: all shares of a few admins. */
const maxFiles = 65_536

export interface RevocationStoreOptions {
  readonly meshId: Digest
  readonly folder: DurableFolder
  readonly onAlarm: OnAlarm
  readonly authority: RevocationAuthority
}

export interface OfferedRevocation {
  readonly outcome: 'accepted' | 'known'
  readonly revocation: SignedRevocation
}

/**
 * Reads what was kept. A damaged file is removed and reported: a peer brings it again. One that the trust chain of
 * today does not explain is kept, and counts when it does.
 */
export async function openRevocationStore(options: RevocationStoreOptions): Promise<RevocationStore> {
  const { folder, meshId, onAlarm } = options
  const held = new Map<Digest, SignedRevocation>()
  const files = { folder, onAlarm, what: 'revocation', maxFiles, maxBytes: revocationLimits.recordBytes }
  await readKept(files, (bytes, name) => {
    const revocation = readRevocation(bytes)
    requireMesh(revocation, meshId)
    if (name !== fileName(revocation.digest)) throw new Error('its name is not that of its content')
    held.set(revocation.digest, revocation)
  })
  return new RevocationStore(options, held)
}

export class RevocationStore {
  readonly #options: RevocationStoreOptions
  readonly #turns = new Turns()
  readonly #listeners = new Set<() => void>()
  #held: RevocationSet
  #view: RevocationView

  /** Use {@link openRevocationStore}. */
  constructor(options: RevocationStoreOptions, held: RevocationSet) {
    this.#options = options
    this.#held = held
    this.#view = judgeRevocations(held.values(), options.authority)
  }

  /** What the revocations held say. */
  get view(): RevocationView {
    return this.#view
  }

  /** All that are held and were signed by those who may, also those that count no more: what is passed on. */
  all(): SignedRevocation[] {
    return [...this.#held.values()].filter((revocation) => mayRevoke(revocation, this.#options.authority))
  }

  get(digest: Digest): SignedRevocation | null {
    return this.#held.get(digest) ?? null
  }

  /**
   * Takes a revocation from anybody; on the disk when resolved.
   * @throws ERR_REVOCATION_SIGNATURE, ERR_REVOCATION_INVALID, ERR_REVOCATION_MESH, ERR_REVOCATION_SIGNER,
   *   ERR_REVOCATION_LIMIT
   */
  offer(bytes: Uint8Array): Promise<OfferedRevocation> {
    return this.#turns.take(async () => {
      const { meshId, authority, folder } = this.#options
      const revocation = readRevocation(bytes)
      requireMesh(revocation, meshId)
      requireRight(revocation, authority)
      const { set, dropped } = addRevocation(this.#held, revocation, authority)
      if (set === this.#held) return { outcome: 'known', revocation }
      if (dropped.includes(revocation)) throw full(revocation)
      await folder.write(fileName(revocation.digest), bytes)
      for (const { digest } of dropped) await folder.remove(fileName(digest))
      this.#held = set
      this.rejudge()
      for (const listener of this.#listeners) listener()
      return { outcome: 'accepted', revocation }
    })
  }

  /** Asks the trust chain again, which has changed. Tells no listener: whoever changed it does. */
  rejudge(): void {
    this.#view = judgeRevocations(this.#held.values(), this.#options.authority)
  }

  /** Calls `listener` after each one that is new. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

function fileName(digest: Digest): string {
  return `${digest}${fileSuffix}`
}

function requireMesh({ record }: SignedRevocation, meshId: Digest): void {
  if (record.mesh === meshId) return
  throw identityProblems.error(
    'ERR_REVOCATION_MESH',
    `a revocation is of mesh ${shortDigest(record.mesh)}, this is ${shortDigest(meshId)}`,
  )
}

const rights = {
  node: 'an admin',
  release: 'an admin or a publisher',
  admin: 'as many roots as their threshold asks for',
  publisher: 'as many roots as their threshold asks for',
} as const

function requireRight(revocation: SignedRevocation, authority: RevocationAuthority): void {
  if (mayRevoke(revocation, authority)) return
  const { kind } = revocation.record
  throw identityProblems.error(
    'ERR_REVOCATION_SIGNER',
    `a revocation of ${kind === 'admin' ? 'an' : 'a'} ${kind} is not signed by ${rights[kind]} of this mesh`,
  )
}

function full({ record }: SignedRevocation): Error {
  return identityProblems.error(
    'ERR_REVOCATION_LIMIT',
    `a further revocation of a ${record.kind} by the same key was not kept: its share is full`,
  )
}
