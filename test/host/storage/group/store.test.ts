import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyValueLimits, type KeyValueLimits } from '../../../../host/storage/index.ts'
import { ReplicaFiles } from '../../../../host/storage/group/files.ts'
import { GroupStore } from '../../../../host/storage/group/store.ts'
import { ReplicaThread, type ReplicaAsking } from '../../../../host/storage/group/thread.ts'
import { loadBuiltIn, type Connection } from '../../../../host/storage/sqlite/connection.ts'
import { describeKeyValueStore } from '../../../contract/key-value-store.ts'

let folder: string
let files = 0
const newPath = (): string => join(folder, `store-${(files += 1)}.sqlite`)
const threads: ReplicaThread[] = []
const now = Date.UTC(2026, 5, 1)
const time = (): { wallMs: number; latestMs: number } => ({ wallMs: now, latestMs: now + 60_000 })
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-replicas-'))
})
afterAll(async () => {
  for (const thread of threads) await thread.close()
  await rm(folder, { recursive: true, force: true })
})

/** The files without the thread between: what is tested is one of the two SQLites. */
function storeIn(
  kind: Connection['kind'],
  path: string,
  node = 'here',
  limits: KeyValueLimits = keyValueLimits,
): GroupStore {
  const open = new ReplicaFiles(limits, node, kind)
  const near: ReplicaAsking = {
    generation: 1,
    async request(call, told) {
      const outcome = await open.run(call)
      told({ held: open.heldAt(path), changes: open.changesAt(path) })
      if ('error' in outcome) throw outcome.error
      return outcome.value
    },
  }
  return new GroupStore(near, async () => path, time)
}

const hasBuiltIn = (await loadBuiltIn()) !== null
const kinds: Connection['kind'][] = hasBuiltIn ? ['node:sqlite', 'wasm'] : ['wasm']

for (const kind of kinds) {
  describeKeyValueStore(`of a group, on ${kind}`, async (limits) => storeIn(kind, newPath(), 'here', limits))
}
it.skipIf(hasBuiltIn)('leaves node:sqlite untested here: this Node.js has none', () => {})

describeKeyValueStore('of a group, on its thread', async (limits) => {
  const thread = new ReplicaThread(limits, 'here')
  threads.push(thread)
  const path = newPath()
  return new GroupStore(thread, async () => path, time)
})

async function pull(into: GroupStore, from: GroupStore): Promise<void> {
  const batch = await from.changesAfter((await into.state()).vector, Infinity)
  expect(batch.isLast).toBe(true)
  await into.merge(batch)
  await into.advance(batch.vector, batch.collected)
}

describe.each(kinds)('a group’s store in a file, by %s', (kind) => {
  it('has everything after it was opened again, and writes under another name', async () => {
    const path = newPath()
    const first = storeIn(kind, path)
    await first.set('b', 'k', utf8('kept'))
    await first.increment('b', 'n', 7n)
    await first.set('b', 'gone', utf8('x'))
    await first.delete('b', 'gone')
    const before = await first.state()
    await first.close()
    const second = storeIn(kind, path)
    expect(await second.state()).toEqual({ ...before, life: null })
    expect((await second.get('b', 'k'))?.value).toEqual(utf8('kept'))
    expect(await second.increment('b', 'n', 1n)).toBe(8n)
    expect((await second.state()).vector.size).toBe(2)
    await second.close()
  })

  it('names no write twice after the disk was put back to an older state', async () => {
    const [path, copy] = [newPath(), newPath()]
    const first = storeIn(kind, path)
    await first.set('b', 'k', utf8('1'))
    await first.close()
    await writeFile(copy, await readFile(path))
    const other = storeIn(kind, newPath(), 'there')
    const lost = storeIn(kind, path)
    await lost.set('b', 'a', utf8('told to the other, then lost here'))
    await pull(other, lost)
    const restored = storeIn(kind, copy)
    await restored.set('b', 'b', utf8('written anew'))
    await pull(other, restored)
    await pull(restored, other)
    for (const store of [other, restored]) {
      expect((await store.get('b', 'a'))?.value).toEqual(utf8('told to the other, then lost here'))
      expect((await store.get('b', 'b'))?.value).toEqual(utf8('written anew'))
    }
    expect((await other.state()).digest).toBe((await restored.state()).digest)
    for (const store of [lost, restored, other]) await store.close()
  })

  it('tells of changes that others made, as of its own', async () => {
    const [one, other] = [storeIn(kind, newPath(), 'one'), storeIn(kind, newPath(), 'other')]
    const told: string[] = []
    other.onChange(({ bucket, key, kind: what }) => told.push(`${what} ${bucket}/${key}`))
    await one.setMany('b', [
      ['x', utf8('1')],
      ['y', utf8('2')],
    ])
    await pull(other, one)
    await other.set('b', 'z', utf8('3'))
    await one.delete('b', 'x')
    await pull(other, one)
    expect(told).toEqual(['set b/x', 'set b/y', 'set b/z', 'delete b/x'])
    for (const store of [one, other]) await store.close()
  })

  it('sends in answers of a bounded size, and all keys in turn', async () => {
    const [one, other] = [storeIn(kind, newPath(), 'one'), storeIn(kind, newPath(), 'other')]
    const entries = Array.from({ length: 600 }, (_, at): [string, Uint8Array] => [
      `key ${at}`,
      utf8(`value ${at}`),
    ])
    await one.setMany('b', entries)
    let answers = 0
    for (let batch = await one.range(null, 4_000); ; answers++) {
      await other.merge(batch)
      if (batch.isLast) break
      expect(batch.entries.length).toBeLessThan(300)
      batch = await one.range(batch.kind.type === 'range' ? batch.kind.to : null, 4_000)
    }
    expect(answers).toBeGreaterThan(2)
    expect((await other.usage()).keys).toBe(600)
    expect((await other.state()).digest).toBe((await one.state()).digest)
    for (const store of [one, other]) await store.close()
  })

  it('takes no more from others than a few times what the app may hold itself', async () => {
    const [one, other] = [storeIn(kind, newPath(), 'one'), storeIn(kind, newPath(), 'other')]
    other.allow({ bytes: 1_000, items: 10 })
    await one.set('b', 'large', new Uint8Array(10_000))
    const batch = await one.changesAfter(new Map(), Infinity)
    expect(await other.merge(batch)).toBeNull()
    expect((await other.usage()).keys).toBe(0)
    for (const store of [one, other]) await store.close()
  })

  it('says which file is no store, and which entry is not as it was written', async () => {
    const path = newPath()
    await writeFile(path, 'this is no database, and longer than the header of one has to be '.repeat(9))
    await expect(storeIn(kind, path).get('b', 'k')).rejects.toMatchObject({ code: 'ERR_STORAGE_DAMAGED' })
    const worn = newPath()
    const store = storeIn(kind, worn)
    await store.set('b', 'k', utf8('as it was written'))
    await store.close()
    const bytes = await readFile(worn)
    bytes[bytes.indexOf('as it was')] = 0x41
    await writeFile(worn, bytes)
    await expect(storeIn(kind, worn).get('b', 'k')).rejects.toMatchObject({ code: 'ERR_STORAGE_DAMAGED' })
  })
})
