/**
 * Two snapshots that are put back in turn, and after each a write of its own: what must be there is all of a snapshot,
 * entries and objects, with what was written since, and nothing of what was before.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openFolder, systemClock } from '../../core/index.ts'
import { diskStorage, type Storage } from '../../host/storage/index.ts'
import { place, putObject } from './place.ts'

const names = ['c0-0', 'c0-1', 'c0-2'] as const
const text = (bytes: string): Uint8Array => new TextEncoder().encode(bytes)
/** Larger than a page of SQLite, and than a piece of an object. */
const contentOf = (snapshot: number, name: string): string => `${snapshot}:${name};`.repeat(12_000)
const snapshotAt = (folder: string, snapshot: number): string => join(folder, `snapshot-${snapshot}`)
const entry = (name: string): string => `${name}-entry`
const object = (name: string): string => `${name}-object`

/** @param folder where the folders are that are harmed */
export async function makeSnapshots(folder: string): Promise<void> {
  for (const snapshot of [0, 1]) {
    const data = await mkdtemp(join(tmpdir(), 'selvedge-crash-snapshot-'))
    const storage = diskStorage(await openFolder(data), systemClock)
    await storage.blobs('app').createContainer(place)
    // The second has less: what is only in the first must be gone.
    for (const name of names.slice(snapshot)) {
      await storage.keyValue('app').set(place, entry(name), text(contentOf(snapshot, name)))
      await putObject(storage, object(name), text(contentOf(snapshot, name)))
    }
    await storage.snapshot('app', snapshotAt(folder, snapshot))
    await storage.close()
    await rm(data, { recursive: true, force: true })
  }
}

/** Each third act writes, an entry and an object in turn; the others put back. */
export async function putBackOrWrite(storage: Storage, data: string, number: number): Promise<void> {
  if (number % 3 !== 0) await storage.restore('app', snapshotAt(dirname(data), number % 2))
  else if (number % 2 === 0)
    await storage.keyValue('app').set(place, 'c0-own-entry', text(`written ${number}`))
  else await putObject(storage, 'c0-own-object', text(`written ${number}`))
}

/** What there is after so many acts, by name. */
export function restoredAfter(count: number): Map<string, string> {
  const state = new Map<string, string>()
  for (let number = 1; number <= count; number += 1) {
    if (number % 3 === 0) {
      state.set(number % 2 === 0 ? 'c0-own-entry' : 'c0-own-object', `written ${number}`)
      continue
    }
    const snapshot = number % 2
    state.clear()
    for (const name of names.slice(snapshot)) {
      state.set(entry(name), contentOf(snapshot, name))
      state.set(object(name), contentOf(snapshot, name))
    }
  }
  return state
}
