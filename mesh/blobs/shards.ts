/** The 256 folders of the store, by the first byte of what is in them; each is opened when it is first needed. */
import type { Clock, Digest, DurableFolder, Log } from '../../core/index.ts'
import { Shard } from './shard.ts'

export function shardIndex(digest: Digest): number {
  return Number.parseInt(digest.slice(0, 2), 16)
}

export class Shards {
  readonly #folder: DurableFolder
  readonly #parts: { readonly clock: Clock; readonly log: Log }
  readonly #opened = new Map<number, Promise<Shard>>()

  constructor(folder: DurableFolder, parts: { readonly clock: Clock; readonly log: Log }) {
    this.#folder = folder
    this.#parts = parts
  }

  /** In the order of {@link shardIndex}. */
  all(): Promise<Shard[]> {
    return Promise.all(Array.from({ length: 256 }, (_, index) => this.#at(index)))
  }

  of(digest: Digest): Promise<Shard> {
    return this.#at(shardIndex(digest))
  }

  /** Opened once: opening a folder again would remove what is being written there. */
  #at(index: number): Promise<Shard> {
    const known = this.#opened.get(index)
    if (known !== undefined) return known
    const opened = this.#folder
      .folder(index.toString(16).padStart(2, '0'))
      .then((folder) => Shard.open(folder, this.#parts))
    this.#opened.set(index, opened)
    // A folder that could not be opened is tried again by whoever needs it next.
    opened.catch(() => this.#opened.delete(index))
    return opened
  }
}
