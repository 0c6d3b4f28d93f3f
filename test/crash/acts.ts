/**
 * What a program does to its stores until it is killed: chains of acts that go on side by side, each with names of its own,
 * so that what must be there after so many acts of a chain can be told without the program.
 */
import type { BlobStore, KeyValueStore, Storage } from '../../host/storage/index.ts'
import { place, putObject } from './place.ts'
import { putBackOrWrite, restoredAfter } from './restores.ts'

export const kinds = ['keyvalue', 'blobs', 'queue', 'group', 'restore'] as const
export type StoreKind = (typeof kinds)[number]

export interface Act {
  readonly do: 'set' | 'delete' | 'batch'
  readonly names: readonly string[]
  /** Of what is set; its text says which act it was. */
  readonly sizeBytes: number
}

/** Snapshots are put back one at a time. */
export const chainsOf = (kind: StoreKind): number => (kind === 'restore' ? 1 : 4)
const namesOfChain = 5

/** The act with this number, counted from 1; the same each time. */
export function actAt(kind: StoreKind, chain: number, number: number): Act {
  const draw = (salt: number, below: number): number => mix(chain * 1_000_003 + number * 31 + salt) % below
  const name = (salt: number): string => `c${chain}-${draw(salt, namesOfChain)}`
  const which = draw(1, 10)
  if (which === 0) return { do: 'delete', names: [name(2)], sizeBytes: 0 }
  if (which <= 2 && (kind === 'keyvalue' || kind === 'group'))
    return { do: 'batch', names: [...new Set([name(2), name(3), name(4)])], sizeBytes: draw(5, 3_000) }
  const largest = draw(6, 4) === 0 ? (kind === 'group' ? 100_000 : 200_000) : 6_000
  return { do: 'set', names: [name(2)], sizeBytes: draw(5, largest) }
}

/** What there is after so many acts of a chain, by name. */
export function stateAfter(kind: StoreKind, chain: number, count: number): Map<string, string> {
  if (kind === 'restore') return restoredAfter(count)
  const state = new Map<string, string>()
  for (let number = 1; number <= count; number += 1) {
    const act = actAt(kind, chain, number)
    for (const name of act.names) {
      if (act.do === 'delete') state.delete(name)
      else state.set(name, contentOf(chain, number, act))
    }
  }
  return state
}

export function contentOf(chain: number, number: number, { sizeBytes }: Act): string {
  const text = `${chain}:${number};`
  return text.repeat(Math.ceil(sizeBytes / text.length) + 1)
}

/** @param data the folder with all of it */
export async function perform(
  storage: Storage,
  data: string,
  kind: StoreKind,
  chain: number,
  number: number,
): Promise<void> {
  if (kind === 'restore') return putBackOrWrite(storage, data, number)
  const act = actAt(kind, chain, number)
  const bytes = new TextEncoder().encode(contentOf(chain, number, act))
  if (kind !== 'blobs') return performOnKeys(storage.keyValue('app'), act, bytes)
  return performOnObjects(storage, act, bytes)
}

async function performOnKeys(
  store: KeyValueStore,
  { do: what, names }: Act,
  bytes: Uint8Array,
): Promise<void> {
  if (what === 'delete') return store.deleteMany(place, names)
  if (what === 'batch')
    return store.setMany(
      place,
      names.map((name) => [name, bytes] as const),
    )
  for (const name of names) await store.set(place, name, bytes)
}

async function performOnObjects(
  storage: Storage,
  { do: what, names }: Act,
  bytes: Uint8Array,
): Promise<void> {
  if (what === 'delete') return storage.blobs('app').deleteObjects(place, names)
  for (const name of names) await putObject(storage, name, bytes)
}

/** Opens the store, and makes what the first act needs. */
export async function prepare(storage: Storage, kind: StoreKind): Promise<void> {
  if (hasKeys(kind)) await storage.keyValue('app').exists(place, '')
  if (hasObjects(kind) && !(await storage.blobs('app').hasContainer(place)))
    await storage.blobs('app').createContainer(place)
}

/** All that is in the store, by name. */
export async function readAll(storage: Storage, kind: StoreKind): Promise<Map<string, string>> {
  return new Map([
    ...(hasKeys(kind) ? await readKeys(storage.keyValue('app')) : []),
    ...(hasObjects(kind) ? await readObjects(storage.blobs('app')) : []),
  ])
}

async function readKeys(store: KeyValueStore): Promise<[string, string][]> {
  const found: [string, string][] = []
  const { keys } = await store.keys(place, null)
  for (const key of keys) {
    const stored = await store.get(place, key)
    if (stored === null) throw new Error(`${key} is listed and not there`)
    found.push([key, new TextDecoder().decode(stored.value)])
  }
  return found
}

async function readObjects(store: BlobStore): Promise<[string, string][]> {
  const found: [string, string][] = []
  if (!(await store.hasContainer(place))) return found
  const { names } = await store.objects(place, null)
  for (const name of names) {
    const reader = await store.read(place, name, 0n, 2n ** 64n - 1n)
    const pieces: Uint8Array[] = []
    for await (const piece of reader.bytes) pieces.push(piece)
    await reader.close()
    found.push([name, Buffer.concat(pieces).toString('utf8')])
  }
  return found
}

function hasKeys(kind: StoreKind): boolean {
  return kind !== 'blobs'
}

function hasObjects(kind: StoreKind): boolean {
  return kind === 'blobs' || kind === 'restore'
}

function mix(value: number): number {
  let hash = value | 0
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return (hash ^ (hash >>> 16)) >>> 0
}
