/** What a group shares, taken away with the rest of what an app has, and joined in again. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../../core/index.ts'
import { ReplicaFiles } from '../../../../host/storage/group/files.ts'
import {
  diskStorage,
  GroupStore,
  keyValueLimits,
  type KeyValueLimits,
  type SharedPart,
  type Storage,
} from '../../../../host/storage/index.ts'

const root = mkdtempSync(join(tmpdir(), 'selvedge-group-snapshots-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
let rounds = 0
let file: string
let storage: Storage
beforeEach(async () => {
  rounds += 1
  file = join(root, `${rounds}.data`)
  storage = diskStorage(await openFolder(join(root, `node-${rounds}`)), systemClock)
  return () => storage.close()
})

/** Of one node of the group, without the thread between. */
function storeOf(node: string, path = join(root, `${node}-${rounds}.sqlite`), limits = keyValueLimits) {
  const files = new ReplicaFiles(limits, node)
  return new GroupStore(
    {
      generation: 1,
      async request(call, told) {
        const outcome = await files.run(call)
        told({ held: files.heldAt(path), changes: files.changesAt(path) })
        if ('error' in outcome) throw outcome.error
        return outcome.value
      },
    },
    async () => path,
    () => ({ wallMs: Date.now(), latestMs: Infinity }),
  )
}

const garage = { mesh: 'ab'.repeat(32), group: 'garage' }
const partOf = (store: GroupStore, of = garage): SharedPart => store.partOf(of)

/** What one knows, the other knows afterwards. */
async function tell(from: GroupStore, to: GroupStore): Promise<void> {
  const batch = await from.changesAfter((await to.state()).vector, Number.MAX_SAFE_INTEGER)
  await to.merge(batch)
  await to.advance(batch.vector, batch.collected)
}

async function textsOf(store: GroupStore): Promise<Record<string, string>> {
  const { keys } = await store.keys('b', null)
  const values = await store.getMany('b', keys)
  return Object.fromEntries(keys.map((key, at) => [key, new TextDecoder().decode(values[at] ?? undefined)]))
}

it('is there again on a node that has lost it, and on those who never heard of it', async () => {
  const before = storeOf('here')
  await before.set('b', 'told', utf8('1'))
  const there = storeOf('there')
  await tell(before, there)
  await before.set('b', 'untold', utf8('2'))
  expect(await storage.snapshot('app', file, partOf(before))).toMatchObject({ shared: 2, entries: 0 })
  await before.close()
  const heard: number[] = []
  const after = storeOf('here', join(root, `again-${rounds}.sqlite`))
  after.onWrite(() => heard.push(1))
  expect(await storage.restore('app', file, partOf(after))).toMatchObject({ shared: 2 })
  // Whoever brings it to the others is told.
  expect(heard).toEqual([1])
  expect(await textsOf(after)).toEqual({ told: '1', untold: '2' })
  await after.set('b', 'untold', utf8('3'))
  await tell(after, there)
  expect(await textsOf(there)).toEqual({ told: '1', untold: '3' })
  expect((await there.state()).digest).toBe((await after.state()).digest)
})

it('undoes nothing that was written, deleted or counted since, here or elsewhere', async () => {
  const [here, there] = [storeOf('here'), storeOf('there')]
  for (const key of ['kept', 'changed', 'changed there', 'deleted']) await here.set('b', key, utf8('before'))
  await here.increment('b', 'counted', 5n)
  await storage.snapshot('app', file, partOf(here))
  await here.set('b', 'changed', utf8('since'))
  await here.delete('b', 'deleted')
  await here.increment('b', 'counted', 2n)
  await here.set('b', 'new', utf8('since'))
  await tell(here, there)
  await there.set('b', 'changed there', utf8('since'))
  await tell(there, here)
  const as = await textsOf(here)
  const { digest } = await here.state()
  for (let times = 0; times < 2; times += 1) await storage.restore('app', file, partOf(here))
  expect(await textsOf(here)).toEqual(as)
  expect(as).toEqual({
    kept: 'before',
    changed: 'since',
    'changed there': 'since',
    counted: '7',
    new: 'since',
  })
  expect((await here.state()).digest).toBe(digest)
})

it('deletes what was deleted before it was taken, where somebody has not heard of that', async () => {
  const [here, there] = [storeOf('here'), storeOf('there')]
  await here.set('b', 'k', utf8('v'))
  await tell(here, there)
  await here.delete('b', 'k')
  await storage.snapshot('app', file, partOf(here))
  await storage.restore('app', file, partOf(there))
  expect(await textsOf(there)).toEqual({})
})

it('changes nothing where it cannot be joined: nobody shares, too much, or no such file', async () => {
  const here = storeOf('here')
  await here.set('b', 'k', new Uint8Array(100_000))
  await storage.keyValue('app').set('b', 'own', utf8('before'))
  await storage.snapshot('app', file, partOf(here))
  await storage.keyValue('app').set('b', 'own', utf8('since'))
  const small: KeyValueLimits = { ...keyValueLimits, bytes: 10_000 }
  const tight = storeOf('tight', join(root, `tight-${rounds}.sqlite`), small)
  const unreadable: SharedPart = {
    of: garage,
    saveTo: async () => 0,
    joinFrom: async (path) => {
      const bytes = readFileSync(path)
      writeFileSync(path, bytes.fill(7, 100, 4_000))
      return storeOf('unreadable').joinFrom(path)
    },
  }
  const refused = [
    [null, 'ERR_SNAPSHOT'],
    [partOf(tight), 'ERR_STORAGE_QUOTA'],
    [unreadable, 'ERR_STORAGE_DAMAGED'],
  ] as const
  for (const [shared, code] of refused)
    await expect(storage.restore('app', file, shared)).rejects.toMatchObject({ code })
  expect((await storage.keyValue('app').get('b', 'own'))?.value).toEqual(utf8('since'))
  expect(await textsOf(tight)).toEqual({})
})

it('is in a file that versions of before call a later one’s, and only where something is shared', async () => {
  const here = storeOf('here')
  await here.set('b', 'k', utf8('v'))
  await storage.snapshot('app', file, partOf(here))
  await storage.snapshot('app', `${file}-own`)
  expect(readFileSync(file).subarray(0, 16).toString()).toBe('selvedge-data/2\n')
  expect(readFileSync(`${file}-own`).subarray(0, 16).toString()).toBe('selvedge-data/1\n')
})

/** Nothing of it may have changed. */
async function refuses(shared: SharedPart, says: RegExp): Promise<void> {
  const refusal = {
    code: 'ERR_SNAPSHOT_GROUP',
    message: expect.stringMatching(says) as unknown,
    hint: expect.stringMatching(/--any-group/) as unknown,
  }
  await expect(storage.restore('app', file, shared)).rejects.toMatchObject(refusal)
  // As is asked before an app is stopped for it.
  await expect(storage.checkSnapshot('app', file, shared)).rejects.toMatchObject(refusal)
}

it('is not joined into what another group shares, or the same one of another mesh, unless that is meant', async () => {
  const here = storeOf('here')
  await here.set('b', 'k', utf8('of the garage'))
  await here.increment('b', 'counted', 5n)
  await storage.keyValue('app').set('b', 'own', utf8('before'))
  await storage.snapshot('app', file, partOf(here))
  await storage.keyValue('app').set('b', 'own', utf8('since'))
  const there = storeOf('there')
  await there.increment('b', 'counted', 2n)
  const lobby = { ...garage, group: 'lobby' }
  await refuses(partOf(there, lobby), /has what group garage shared, and here app is shared by group lobby$/)
  await refuses(partOf(there, { ...garage, group: '' }), /shared by the nodes of no group$/)
  await refuses(
    partOf(there, { ...garage, mesh: 'cd'.repeat(32) }),
    /has what group garage of mesh abababab shared, and here app is shared by group garage of mesh cdcdcdcd$/,
  )
  expect(await textsOf(there)).toEqual({ counted: '2' })
  expect((await storage.keyValue('app').get('b', 'own'))?.value).toEqual(utf8('since'))
  await storage.checkSnapshot('app', file, partOf(there, lobby), { anyGroup: true })
  for (let times = 0; times < 2; times += 1)
    await storage.restore('app', file, partOf(there, lobby), { anyGroup: true })
  expect(await textsOf(there)).toEqual({ counted: '7', k: 'of the garage' })
  expect((await storage.keyValue('app').get('b', 'own'))?.value).toEqual(utf8('before'))
})

it('is not joined in where a file of before does not say whose it is, unless that is meant', async () => {
  const here = storeOf('here')
  await here.set('b', 'k', utf8('v'))
  const before: Partial<SharedPart> = { saveTo: (path) => here.saveTo(path) }
  await storage.snapshot('app', file, before as SharedPart)
  const there = storeOf('there')
  await refuses(
    partOf(there),
    /a group shared and does not say which, and here app is shared by group garage$/,
  )
  await storage.restore('app', file, partOf(there), { anyGroup: true })
  expect(await textsOf(there)).toEqual({ k: 'v' })
})
