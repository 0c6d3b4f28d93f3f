/**
 * Puts an unpacked snapshot in the place of what an app has stored. One rename decides: before it, nothing has changed;
 * after it, what a crash interrupts is done again before the app's stores are opened.
 */
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { flushFolder, isThere, writeFlushed } from '../blobs/folder.ts'

/** Of one app, in the node's storage folder. */
export interface StorePlaces {
  readonly keyValue: string
  readonly blobs: string
}

export function placesOf(root: string, app: string): StorePlaces {
  return { keyValue: join(root, 'keyvalue', `${app}.sqlite`), blobs: join(root, 'blobs', app) }
}

const decidedOf = (root: string, app: string): string => join(root, 'restore', app)

type Part = keyof StorePlaces
const fileOf: Readonly<Record<Part, string>> = { keyValue: 'keyvalue.sqlite', blobs: 'blobs' }

/** @param unpacked beside where it goes: on the same disk. What is in it is whole, and flushed */
export async function decide(root: string, app: string, unpacked: string): Promise<void> {
  for (const part of parts) {
    if (await isThere(join(unpacked, fileOf[part]))) await writeFlushed(join(unpacked, `has-${part}`), '')
  }
  const decided = decidedOf(root, app)
  await rename(unpacked, decided)
  await flushFolder(dirname(decided))
}

/** Ends what was decided; nothing happens where nothing was. While nobody has the stores open. */
export async function settle(root: string, app: string): Promise<void> {
  const decided = decidedOf(root, app)
  if (!(await isThere(decided))) return
  const places = placesOf(root, app)
  for (const part of parts) await place(decided, part, places[part])
  await rm(decided, { recursive: true, force: true })
  await flushFolder(dirname(decided))
}

const parts: readonly Part[] = ['keyValue', 'blobs']

/** Each step may have been done before. */
async function place(decided: string, part: Part, target: string): Promise<void> {
  const source = join(decided, fileOf[part])
  const isIn = await isThere(source)
  // It was in the snapshot, and is in place.
  if (!isIn && (await isThere(join(decided, `has-${part}`)))) return
  if (part === 'keyValue') {
    // A log of what was there before would be taken for one of what comes.
    for (const suffix of ['-wal', '-shm', '-journal', '.lock'])
      await rm(`${target}${suffix}`, { recursive: true, force: true })
  }
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  // Renamed rather than removed: that may take long, and would leave half of it.
  if (await isThere(target)) await rename(target, join(decided, `before-${part}`))
  if (isIn) await rename(source, target)
  await flushFolder(dirname(target))
}
