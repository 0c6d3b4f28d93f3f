/**
 * Puts an unpacked snapshot in the place of what an app has stored. One rename decides: before it, nothing has changed;
 * after it, what a crash interrupts is done again before the app's stores are opened.
 */
import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { flushFolder, isThere, writeFlushed } from '../blobs/folder.ts'
import { claimScratch, dropScratch } from './scratch.ts'

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

/** By the path of what was decided: an app's entries and objects are opened at once, and both ask. */
const settling = new Map<string, Promise<void>>()

/** Ends what was decided; nothing happens where nothing was. While nobody has the stores open. @param drop removes what was before */
export function settle(root: string, app: string, drop = dropScratch): Promise<void> {
  const decided = decidedOf(root, app)
  const present = settling.get(decided)
  if (present !== undefined) return present
  const ended = settleOnce(decided, placesOf(root, app), drop).finally(() => settling.delete(decided))
  settling.set(decided, ended)
  return ended
}

async function settleOnce(decided: string, places: StorePlaces, drop: typeof dropScratch): Promise<void> {
  if (!(await isThere(decided))) return
  for (const part of parts) await place(decided, part, places[part])
  // By one rename, like the decision: half removed, it would no longer tell what was in the snapshot.
  const done = claimScratch(dirname(decided))
  await rename(decided, done)
  await flushFolder(dirname(decided))
  await drop(done)
}

const parts: readonly Part[] = ['keyValue', 'blobs']

/** Each step may have been done before. */
async function place(decided: string, part: Part, target: string): Promise<void> {
  const source = join(decided, fileOf[part])
  const isIn = await isThere(source)
  // It was in the snapshot, and is in place.
  if (!isIn && (await isThere(join(decided, `has-${part}`)))) return flushFolder(dirname(target))
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
