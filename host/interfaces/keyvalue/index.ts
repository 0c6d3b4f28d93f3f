/**
 * wasi:keyvalue on the node's side: the buckets that the release was granted, in the app's own store. Every call is
 * checked against the grants, since what the sandbox's half says is only what a guest made it say.
 */
import { messageOf } from '../../../core/index.ts'
import { WitError, type BoundFunction, type GuestCaller } from '../../engine/index.ts'
import {
  keyValueAtomicsId,
  keyValueBatchId,
  keyValuePartName,
  keyValueStoreId,
  type KeyValueError,
  type WireEntry,
} from '../../guest/index.ts'
import type { KeyValueStore, SharedBucket } from '../../storage/index.ts'
import type { AppContext } from '../context.ts'
import type { InterfaceOffer } from '../offer.ts'

/** Also the list under `[grants]`. */
const grantKind = 'keyvalue'

/** What the draft before calls the same; its guests link with the same half inside the sandbox. */
const firstDraft = (id: string): string => id.replace(/draft2$/, 'draft')

function offer(id: string, summary: string, bind: InterfaceOffer['bind'] = () => ({})): InterfaceOffer[] {
  return [id, firstDraft(id)].map((name) => ({
    id: name,
    part: keyValuePartName,
    summary,
    grantKind,
    grantList: grantKind,
    bind: name === id ? bind : () => ({}),
  }))
}

export const keyValue: readonly InterfaceOffer[] = [
  ...offer(keyValueStoreId, 'keep values by key in the granted buckets', bindKeyValue),
  ...offer(keyValueAtomicsId, 'count, and swap a value if it is still the one that was read'),
  ...offer(keyValueBatchId, 'get, set and delete several keys in one call'),
]

type Use = (store: KeyValueStore, bucket: string, args: readonly unknown[]) => Promise<unknown>

const operations: Readonly<Record<string, Use>> = {
  get: async (store, bucket, [key]) => (await store.get(bucket, text(key)))?.value,
  set: (store, bucket, [key, value]) => store.set(bucket, text(key), bytes(value)),
  delete: (store, bucket, [key]) => store.delete(bucket, text(key)),
  exists: (store, bucket, [key]) => store.exists(bucket, text(key)),
  'list-keys': (store, bucket, [cursor]) => store.keys(bucket, cursor === null ? null : text(cursor)),
  increment: (store, bucket, [key, delta]) => store.increment(bucket, text(key), whole(delta)),
  version: (store, bucket, [key]) => store.version(bucket, text(key)),
  current: async (store, bucket, [key]): Promise<WireEntry> =>
    (await store.get(bucket, text(key))) ?? { value: undefined, version: 0 },
  swap: (store, bucket, [key, version, value]) =>
    store.compareAndSwap(bucket, text(key), Number(version), bytes(value)),
  'get-many': async (store, bucket, [keys]) =>
    (await store.getMany(bucket, list(keys).map(text))).map((value) => value ?? undefined),
  'set-many': (store, bucket, [entries]) => store.setMany(bucket, list(entries).map(pair)),
  'delete-many': (store, bucket, [keys]) => store.deleteMany(bucket, list(keys).map(text)),
}

function bindKeyValue({ buckets, keyValue: store }: AppContext): Record<string, BoundFunction> {
  const use =
    (operation: Use): BoundFunction['run'] =>
    async ([bucket, ...args]) => {
      // Of a bucket that was not granted nobody learns whether it exists.
      if (typeof bucket !== 'string' || !buckets.has(bucket)) throw fail({ tag: 'access-denied' })
      try {
        return await operation(store(), bucket, args)
      } catch (error) {
        throw fail({ tag: 'other', val: messageOf(error) })
      }
    }
  const bound = Object.entries(operations).map(([name, operation]): [string, BoundFunction] => [
    name,
    { mode: 'call', run: use(operation) },
  ])
  const share: BoundFunction['run'] = async ([bucket], caller) => {
    if (typeof bucket !== 'string' || !buckets.has(bucket)) throw fail({ tag: 'access-denied' })
    return (await lent(store, bucket, caller)) ?? undefined
  }
  const open = use(async () => undefined)
  return {
    ...Object.fromEntries(bound),
    open: { mode: 'call', run: open },
    share: { mode: 'call', run: share },
  }
}

/** Where it cannot be lent now, calls go on as they do, and tell what is wrong. */
async function lent(
  store: AppContext['keyValue'],
  bucket: string,
  caller: GuestCaller | undefined,
): Promise<SharedBucket | null> {
  if (caller?.sharesMemory !== true) return null
  try {
    const own = store()
    return (await (own.storeOf?.(bucket) ?? own).share?.(bucket, caller.gone)) ?? null
  } catch {
    return null
  }
}

function fail(error: KeyValueError): WitError {
  return new WitError(error)
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('it should be a string')
  return value
}

function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('it should be bytes')
  return value
}

function whole(value: unknown): bigint {
  if (typeof value !== 'bigint') throw new TypeError('it should be a whole number')
  return value
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError('it should be a list')
  return value
}

function pair(value: unknown): [string, Uint8Array] {
  const [key, item] = list(value)
  return [text(key), bytes(item)]
}
