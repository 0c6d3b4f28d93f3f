import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { digestOf, memoryFolder, openFolder, type DurableFolder } from '../../../core/index.ts'
import { blobLimits, componentRef, openBlobStore, type BlobStore } from '../../../mesh/blobs/index.ts'
import { FakeClock } from '../../host/fake-clock.ts'
import { isSame, joined, sample } from './samples.ts'

const component = sample(11, 300_000)
const { ref, list, chunks } = componentRef(component)

let scratch = ''
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'selvedge-blobs-'))
})
afterAll(() => rm(scratch, { recursive: true, force: true }))

let folders = 0
async function diskFolder(): Promise<DurableFolder> {
  return openFolder(join(scratch, String(folders++)))
}

function pathOf(folder: DurableFolder, digest: string): string {
  return join(folder.path, digest.slice(0, 2), digest)
}

async function blobNames(folder: DurableFolder): Promise<string[]> {
  const names: string[] = []
  for (const shard of await readdir(folder.path)) names.push(...(await readdir(join(folder.path, shard))))
  return names.sort()
}

test('a component that was put is read back, also by the next life of the store', async () => {
  const folder = await diskFolder()
  const store = await openBlobStore(folder)
  expect(await store.putComponent(component)).toEqual(ref)
  expect(isSame(await store.readComponent(ref), component)).toBe(true)
  const next = await openBlobStore(await openFolder(folder.path))
  expect(await next.holds(ref)).toBe(true)
  expect(await next.check(ref)).toBe('whole')
  expect(isSame(await next.readComponent(ref), component)).toBe(true)
})

test('a store without the component says so', async () => {
  const store = await openBlobStore(memoryFolder())
  expect(await store.holds(ref)).toBe(false)
  expect(await store.check(ref)).toBe('incomplete')
  expect(await store.readComponent(ref)).toBeNull()
  expect(await store.readList(ref)).toBeNull()
})

test('bytes with another digest than they come with are refused', async () => {
  const store = await openBlobStore(memoryFolder())
  const [first, second] = chunks
  await expect(store.putChunk(first?.digest ?? '', second?.bytes ?? new Uint8Array())).rejects.toMatchObject({
    code: 'ERR_BLOB_DIGEST',
  })
  expect(await store.getChunk(first?.digest ?? '')).toBeNull()
})

test('a blob over the limit is refused', async () => {
  const store = await openBlobStore(memoryFolder())
  const large = new Uint8Array(blobLimits.chunkListBytes + 1)
  await expect(store.putChunk(digestOf(large), large)).rejects.toMatchObject({ code: 'ERR_BLOB_SIZE' })
})

test('what is no digest is not looked up on the disk', async () => {
  const store = await openBlobStore(await diskFolder())
  expect(await store.getChunk('../../etc/passwd')).toBeNull()
})

test.each([
  ['a flipped bit', (bytes: Uint8Array) => bytes.map((byte, at) => (at === 100 ? byte ^ 1 : byte))],
  ['a cut-off end', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1)],
  ['nothing left', () => new Uint8Array()],
  ['far too much', () => new Uint8Array(blobLimits.chunkListBytes + 1)],
])(
  'a chunk damaged on the disk (%s) is removed, counts as missing, and can be put again',
  async (_what, damage) => {
    const folder = await diskFolder()
    await (await openBlobStore(folder)).putComponent(component)
    const victim = chunks[2]
    if (victim === undefined) throw new Error('the sample has too few chunks')
    const path = pathOf(folder, victim.digest)
    await writeFile(path, damage(await readFile(path)))

    const store = await openBlobStore(folder)
    expect(await store.readComponent(ref)).toBeNull()
    expect(await store.check(ref)).toBe('incomplete')
    expect(await store.holds(ref)).toBe(false)
    expect(await store.missing({ sizeBytes: ref.sizeBytes, chunks })).toMatchObject([
      { digest: victim.digest },
    ])
    expect(await blobNames(folder)).not.toContain(victim.digest)
    await store.putChunk(victim.digest, victim.bytes)
    expect(isSame(await store.readComponent(ref), component)).toBe(true)
  },
)

test('putting a component again repairs what was damaged since', async () => {
  const folder = await diskFolder()
  const store = await openBlobStore(folder)
  await store.putComponent(component)
  await writeFile(pathOf(folder, ref.chunks.digest), 'not a list')
  await writeFile(pathOf(folder, chunks[0]?.digest ?? ''), 'not a chunk')
  await store.putComponent(component)
  expect(isSame(await store.readComponent(ref), component)).toBe(true)
})

test('chunks that are all right but make another component than named are told apart from missing ones', async () => {
  const store = await openBlobStore(memoryFolder())
  await store.putComponent(component)
  const lie = { ...ref, digest: digestOf(new Uint8Array([1])) }
  expect(await store.check(lie)).toBe('mismatched')
  expect(await store.readComponent(lie)).toBeNull()
})

/** Lets `writes` writes through, then fails as a machine does that lost its power: nothing more reaches the disk. */
function failingAfter(folder: DurableFolder, budget: { writes: number }): DurableFolder {
  return {
    ...bound(folder),
    async write(name, bytes) {
      if (budget.writes-- <= 0) throw new Error('the power is gone')
      await folder.write(name, bytes)
    },
    async folder(name) {
      return failingAfter(await folder.folder(name), budget)
    },
  }
}

function bound(folder: DurableFolder): DurableFolder {
  return {
    path: folder.path,
    read: (name, maxBytes) => folder.read(name, maxBytes),
    write: (name, bytes) => folder.write(name, bytes),
    remove: (name) => folder.remove(name),
    list: () => folder.list(),
    sizes: () => folder.sizes(),
    folder: (name) => folder.folder(name),
  }
}

test('a power cut at any write leaves no half component, and what was written is used by the next try', async () => {
  const total = chunks.length + 1
  for (let writes = 0; writes < total; writes++) {
    const folder = memoryFolder()
    const dying = await openBlobStore(failingAfter(folder, { writes }))
    await expect(dying.putComponent(component)).rejects.toThrow('the power is gone')
    const store = await openBlobStore(folder)
    expect(await store.holds(ref)).toBe(false)
    expect(await store.readComponent(ref)).toBeNull()
    expect(await store.missing({ sizeBytes: ref.sizeBytes, chunks })).toHaveLength(chunks.length - writes)
    await store.putComponent(component)
    expect(isSame(await store.readComponent(ref), component)).toBe(true)
  }
})

test('half-written files of a crash are swept away when the store comes back', async () => {
  const folder = await diskFolder()
  await (await openBlobStore(folder)).putComponent(component)
  const digest = chunks[0]?.digest ?? ''
  await writeFile(join(folder.path, digest.slice(0, 2), '.tmp-0123456789ab'), 'half')
  const store = await openBlobStore(folder)
  expect(isSame(await store.readComponent(ref), component)).toBe(true)
  expect((await blobNames(folder)).filter((name) => name.startsWith('.tmp-'))).toEqual([])
})

test('a component with the same chunk many times stores it once', async () => {
  const folder = await diskFolder()
  const store = await openBlobStore(folder)
  const zeros = new Uint8Array(10 * blobLimits.maxChunkBytes)
  const zerosRef = await store.putComponent(zeros)
  expect(await blobNames(folder)).toHaveLength(2)
  expect(isSame(await store.readComponent(zerosRef), zeros)).toBe(true)
})

const second = joined([component.subarray(0, 150_000), sample(12, 80), component.subarray(150_000)])

async function twoReleases(): Promise<{ store: BlobStore; clock: FakeClock; folder: DurableFolder }> {
  const folder = await diskFolder()
  const clock = new FakeClock()
  const store = await openBlobStore(folder, { clock })
  await store.putComponent(component)
  await store.putComponent(second)
  return { store, clock, folder }
}

test('collection removes what no kept component needs, and keeps what they share', async () => {
  const { store, clock, folder } = await twoReleases()
  const newer = componentRef(second)
  await clock.advance(blobLimits.graceMs)
  const { blobs } = await store.collect([newer.ref])
  expect(blobs).toBeGreaterThan(0)
  expect(isSame(await store.readComponent(newer.ref), second)).toBe(true)
  const kept = [newer.ref.chunks.digest, ...newer.chunks.map((chunk) => chunk.digest)]
  expect(await blobNames(folder)).toEqual(kept.toSorted())
  expect(await store.holds(ref)).toBe(false)
  expect(await store.collect([newer.ref])).toEqual({ blobs: 0 })
})

test('collection spares what was put a moment ago, for its release may still be on its way', async () => {
  const { store, clock } = await twoReleases()
  await clock.advance(blobLimits.graceMs - 1)
  expect(await store.collect([])).toEqual({ blobs: 0 })
  await clock.advance(1)
  expect((await store.collect([])).blobs).toBeGreaterThan(0)
  expect(await store.holds(ref)).toBe(false)
})

test('collection spares what somebody holds, however long, and for the grace time after', async () => {
  const { store, clock } = await twoReleases()
  const release = store.hold([ref.chunks.digest, ...chunks.map((chunk) => chunk.digest)])
  await clock.advance(10 * blobLimits.graceMs)
  await store.collect([])
  expect(await store.holds(ref)).toBe(true)
  release()
  release()
  await store.collect([])
  expect(await store.holds(ref)).toBe(true)
  await clock.advance(blobLimits.graceMs)
  await store.collect([])
  expect(await store.holds(ref)).toBe(false)
})

test('a component that is put while a collection runs is whole afterwards', async () => {
  const { store, clock } = await twoReleases()
  for (let round = 0; round < 5; round++) {
    await clock.advance(blobLimits.graceMs)
    await Promise.all([store.collect([]), store.putComponent(component)])
    expect(isSame(await store.readComponent(ref), component)).toBe(true)
  }
})

test('the list that was stored is the one that was signed', async () => {
  const store = await openBlobStore(memoryFolder())
  await store.putComponent(component)
  expect(isSame(await store.getChunk(ref.chunks.digest), list)).toBe(true)
})
