/**
 * The patches that this node made or used, for others to have. A cache: what is damaged or too much is dropped, and
 * made or fetched again by whoever can.
 */
import {
  decodeCbor,
  digestOf,
  encodeCbor,
  isDigest,
  messageOf,
  type Digest,
  type DurableFolder,
  type Log,
} from '../../core/index.ts'
import { Turns } from '../identity/index.ts'
import { patchLimits } from './limits.ts'

export interface StoredPatch {
  readonly base: Digest
  readonly target: Digest
  /** Of the patch; its file's name. */
  readonly digest: Digest
  readonly sizeBytes: number
}

/** The patch, and around it what it is for. */
const maxFileBytes = patchLimits.patchBytes + 1024

/** @param folder the store's own: nobody else writes there */
export async function openPatchStore(folder: DurableFolder, log: Log): Promise<PatchStore> {
  const store = new PatchStore(folder, log)
  await store.load()
  return store
}

export class PatchStore {
  readonly #folder: DurableFolder
  readonly #log: Log
  /** By digest, the oldest first. */
  readonly #patches = new Map<Digest, StoredPatch>()
  readonly #turns = new Turns()

  /** Use {@link openPatchStore}. */
  constructor(folder: DurableFolder, log: Log) {
    this.#folder = folder
    this.#log = log
  }

  async load(): Promise<void> {
    for (const name of await this.#folder.list()) {
      const read = await this.#read(name)
      if (read === null) await this.#folder.remove(name)
      else this.#patches.set(name, read.patch)
    }
    await this.#turns.take(() => this.#makeRoom(0))
  }

  /** Those that lead from one of `bases` to `target`; one for each base. */
  find(target: Digest, bases: readonly Digest[]): StoredPatch[] {
    return bases.flatMap((base) => {
      const found = [...this.#patches.values()].find(
        (patch) => patch.target === target && patch.base === base,
      )
      return found === undefined ? [] : [found]
    })
  }

  /** @returns the verified bytes of a patch, or null where it is not here (any more) */
  async get(digest: Digest): Promise<Uint8Array | null> {
    if (!this.#patches.has(digest)) return null
    const read = await this.#read(digest)
    if (read === null) await this.#turns.take(() => this.#drop(digest))
    return read?.bytes ?? null
  }

  /** Keeps a patch of which is known that it gives `target`. One that is here for the same two stays. */
  put(base: Digest, target: Digest, bytes: Uint8Array): Promise<void> {
    return this.#turns.take(async () => {
      if (bytes.length > patchLimits.patchBytes || this.find(target, [base]).length > 0) return
      await this.#makeRoom(bytes.length)
      const digest = digestOf(bytes)
      await this.#folder.write(digest, encodeCbor({ v: 1, base, target, bytes }))
      this.#patches.set(digest, { base, target, digest, sizeBytes: bytes.length })
    })
  }

  /** Drops the patches that lead to anything else. */
  retain(targets: ReadonlySet<Digest>): Promise<void> {
    return this.#turns.take(async () => {
      for (const { digest, target } of this.#patches.values()) {
        if (!targets.has(target)) await this.#drop(digest)
      }
    })
  }

  async #makeRoom(sizeBytes: number): Promise<void> {
    let total = [...this.#patches.values()].reduce((sum, patch) => sum + patch.sizeBytes, sizeBytes)
    for (const patch of this.#patches.values()) {
      const isRoom = total <= patchLimits.keptBytes && this.#patches.size < patchLimits.keptPatches
      if (isRoom) return
      total -= patch.sizeBytes
      await this.#drop(patch.digest)
    }
  }

  async #drop(digest: Digest): Promise<void> {
    this.#patches.delete(digest)
    await this.#folder.remove(digest)
  }

  async #read(name: string): Promise<{ patch: StoredPatch; bytes: Uint8Array } | null> {
    try {
      const file = await this.#folder.read(name, maxFileBytes)
      if (file === null) return null
      const { v, base, target, bytes } = decodeCbor(file, { maxBytes: maxFileBytes, maxItems: 16 }) as Record<
        string,
        unknown
      >
      if (v !== 1 || !isDigest(base) || !isDigest(target) || !(bytes instanceof Uint8Array)) return null
      if (digestOf(bytes) !== name) return null
      return { patch: { base, target, digest: name, sizeBytes: bytes.length }, bytes }
    } catch (error) {
      this.#log.warn('patch:unreadable', { name, error: messageOf(error) })
      return null
    }
  }
}
