/** What the objects on a disk tell of how they came there. */
import { join } from 'node:path'
import type { ObjectChange } from '../contract.ts'
import { containerFolders, guarded, missing, objectFiles } from './folder.ts'
import { openObject } from './object-file.ts'

/** What was put after a change and is there. A damaged object tells nothing: who reads it is told that it is. */
export async function putsIn(folder: string, container: string, after: number): Promise<ObjectChange[]> {
  const puts: (ObjectChange & { readonly number: number })[] = []
  for (const file of await objectFiles(folder).catch(missing([]))) {
    const opened = await openObject(join(folder, file)).catch(() => null)
    await opened?.file.close()
    if (opened === null || opened.trailer.number <= after) continue
    const { name, digest, number } = opened.trailer
    puts.push({ container, object: name, kind: 'put', digest, sizeBytes: opened.sizeBytes, number })
  }
  return puts.sort((one, other) => one.number - other.number)
}

/** The highest number of all objects of a store. */
export async function highestNumber(folder: string): Promise<number> {
  let highest = 0
  for (const container of await containerFolders(folder)) {
    for (const { number } of await putsIn(join(folder, container), '', 0))
      highest = Math.max(highest, number ?? 0)
  }
  return highest
}

export function deletion(container: string, object: string, number: number | null): ObjectChange {
  return { container, object, kind: 'delete', digest: null, sizeBytes: null, number }
}

/** The name of an object that is about to go; null where the file does not tell. */
export async function nameIn(path: string): Promise<string | null> {
  const opened = await openObject(path).catch(() => null)
  await opened?.file.close()
  return opened?.trailer.name ?? null
}

/** What is met on the way is told as everything else is. */
export async function* guardedPieces(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const { value, done } = await guarded(() => pieces.next())
      if (done === true) return
      yield value
    }
  } finally {
    await pieces.return(undefined)
  }
}
