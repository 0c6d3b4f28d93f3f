/** An app's key-value store, some of whose buckets are shared with its group: each call goes where its bucket is. */
import type { KeyValueStore } from '../storage/index.ts'

/**
 * @param shared names of buckets that are in `group`; all others are in `own`. `usage` and `close` are those of both:
 *   the stores belong to the node, which closes them.
 */
export function routedStore(
  shared: ReadonlySet<string>,
  group: KeyValueStore,
  own: KeyValueStore,
): KeyValueStore {
  const of = (bucket: string): KeyValueStore => (shared.has(bucket) ? group : own)
  return {
    storeOf: of,
    get: (bucket, ...rest) => of(bucket).get(bucket, ...rest),
    set: (bucket, ...rest) => of(bucket).set(bucket, ...rest),
    delete: (bucket, ...rest) => of(bucket).delete(bucket, ...rest),
    exists: (bucket, ...rest) => of(bucket).exists(bucket, ...rest),
    keys: (bucket, ...rest) => of(bucket).keys(bucket, ...rest),
    increment: (bucket, ...rest) => of(bucket).increment(bucket, ...rest),
    version: (bucket, ...rest) => of(bucket).version(bucket, ...rest),
    compareAndSwap: (bucket, ...rest) => of(bucket).compareAndSwap(bucket, ...rest),
    getMany: (bucket, ...rest) => of(bucket).getMany(bucket, ...rest),
    setMany: (bucket, ...rest) => of(bucket).setMany(bucket, ...rest),
    deleteMany: (bucket, ...rest) => of(bucket).deleteMany(bucket, ...rest),
    async usage() {
      const [one, other] = await Promise.all([group.usage(), own.usage()])
      return { keys: one.keys + other.keys, bytes: one.bytes + other.bytes }
    },
    onChange(listener) {
      const cancels = [
        group.onChange((change) => shared.has(change.bucket) && listener(change)),
        own.onChange((change) => shared.has(change.bucket) || listener(change)),
      ]
      return () => {
        for (const cancel of cancels) cancel()
      }
    },
    async close() {},
  }
}
