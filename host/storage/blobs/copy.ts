/** Copies an object by reading it and writing it: so its digests are checked on the way. */
import type { BlobStore, ObjectId } from '../contract.ts'

export async function copyObject(
  store: Pick<BlobStore, 'read' | 'create'>,
  from: ObjectId,
  to: ObjectId,
): Promise<void> {
  const source = await store.read(from.container, from.object, 0n, 2n ** 64n - 1n)
  try {
    const target = await store.create()
    try {
      for await (const piece of source.bytes) await target.write(piece)
      await target.commit(to.container, to.object)
    } finally {
      await target.abort()
    }
  } finally {
    await source.close()
  }
}
