/**
 * The stores that are harmed. A durable queue, as events, messages on their way and bridges have, stands in the place of keys:
 * what is set is put, and what was there of the name before is done.
 */
import { openFolder, systemClock } from '../../core/index.ts'
import { diskQueues, type DurableQueue, type QueueItem } from '../../host/queue/index.ts'
import { diskStorage, type Durability, type Storage } from '../../host/storage/index.ts'
import type { StoreKind } from './acts.ts'
import { GroupKeys } from './group-keys.ts'

const limits = {
  items: 1_000,
  bytes: 64 * 1024 * 1024,
  itemBytes: 1024 * 1024,
  whenFull: 'refuse',
  deadItems: 0,
} as const

export async function openStores(folder: string, kind: StoreKind, durability: Durability): Promise<Storage> {
  const opened = await openFolder(folder)
  if (kind === 'group') {
    const keys = await GroupKeys.open(`${folder}/group.sqlite`)
    return { keyValue: () => keys, close: () => keys.close() } as unknown as Storage
  }
  if (kind !== 'queue') {
    return diskStorage(opened, systemClock, {
      keyValue: { driver: 'sqlite', options: { durability } },
      blobs: { driver: 'disk', options: { durability } },
    })
  }
  const queues = diskQueues(opened, systemClock)
  const keys = new QueuedKeys(await queues.open('q', limits))
  return { keyValue: () => keys, close: () => queues.close() } as unknown as Storage
}

/** The little of a key-value store that acts need. */
class QueuedKeys {
  readonly #queue: DurableQueue

  constructor(queue: DurableQueue) {
    this.#queue = queue
  }

  async exists(): Promise<boolean> {
    return false
  }

  async set(_: string, name: string, value: Uint8Array): Promise<void> {
    const before = await this.#queue.take(limits.items, name)
    await this.#queue.put([{ key: null, lane: name, body: value }])
    await this.#queue.done(before.map(({ id }) => id))
  }

  async deleteMany(_: string, names: readonly string[]): Promise<void> {
    for (const name of names) {
      const items = await this.#queue.take(limits.items, name)
      await this.#queue.done(items.map(({ id }) => id))
    }
  }

  async keys(): Promise<{ keys: string[]; cursor: null }> {
    return { keys: [...new Set((await this.#items()).map(({ lane }) => lane))], cursor: null }
  }

  async get(_: string, name: string): Promise<{ value: Uint8Array } | null> {
    const last = (await this.#items()).findLast(({ lane }) => lane === name)
    return last === undefined ? null : { value: last.body }
  }

  #items(): Promise<readonly QueueItem[]> {
    return this.#queue.peek(0, limits.items)
  }
}
