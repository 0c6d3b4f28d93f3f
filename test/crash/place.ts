/** Where acts write, and how an object is written. */
import type { Storage } from '../../host/storage/index.ts'

export const place = 'place'

export async function putObject(storage: Storage, name: string, bytes: Uint8Array): Promise<void> {
  const writer = await storage.blobs('app').create()
  await writer.write(bytes)
  await writer.commit(place, name)
}
