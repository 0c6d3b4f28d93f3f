/** What every blob store promises (host/storage/contract.ts), wherever it keeps its objects. */
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { BlobLimits, BlobStore, ObjectChange } from '../../host/storage/index.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const toEnd = 2n ** 64n - 1n

const limits: BlobLimits = {
  nameBytes: 100,
  objects: 40,
  bytes: 1_000_000,
  uploads: 2,
  downloads: 2,
  pageNames: 3,
}

async function put(
  store: BlobStore,
  container: string,
  name: string,
  ...pieces: Uint8Array[]
): Promise<void> {
  const writer = await store.create()
  try {
    for (const piece of pieces) await writer.write(piece)
    await writer.commit(container, name)
  } finally {
    await writer.abort()
  }
}

async function get(
  store: BlobStore,
  container: string,
  name: string,
  start = 0n,
  end = toEnd,
): Promise<Buffer> {
  const reader = await store.read(container, name, start, end)
  const pieces: Uint8Array[] = []
  for await (const piece of reader.bytes) pieces.push(piece)
  await reader.close()
  const whole = Buffer.concat(pieces)
  expect(whole.length).toBe(reader.sizeBytes)
  return whole
}

async function list(store: BlobStore, container: string): Promise<string[]> {
  const names: string[] = []
  let cursor: string | null = null
  do {
    const page: { names: readonly string[]; cursor: string | null } = await store.objects(container, cursor)
    expect(page.names.length).toBeLessThanOrEqual(3)
    names.push(...page.names)
    cursor = page.cursor
  } while (cursor !== null)
  return names.sort()
}

/** @param open an empty store of its own each time */
export function describeBlobStore(name: string, open: (limits: BlobLimits) => Promise<BlobStore>): void {
  describe(`the blob store ${name}`, () => {
    const opened: BlobStore[] = []
    const store = async (chosen: Partial<BlobLimits> = {}): Promise<BlobStore> => {
      const made = await open({ ...limits, ...chosen })
      opened.push(made)
      await made.createContainer('box')
      return made
    }
    afterEach(async () => {
      for (const made of opened.splice(0)) await made.close()
    })

    it('gives back an object as it was written, in pieces', async () => {
      const blobs = await store()
      const large = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251)
      await put(blobs, 'box', 'large', large.subarray(0, 70_000), large.subarray(70_000))
      expect((await get(blobs, 'box', 'large')).equals(large)).toBe(true)
      expect(await blobs.object('box', 'large')).toMatchObject({
        name: 'large',
        container: 'box',
        sizeBytes: 200_000,
      })
    })

    it.each(['', '../../etc/passwd', 'a/b', 'käse 🧀', 'nul\0', 'container.json', '.', 'CON'])(
      'takes the name %j',
      async (name) => {
        const blobs = await store()
        await put(blobs, 'box', name, utf8('x'))
        expect(await blobs.hasObject('box', name)).toBe(true)
        expect(await list(blobs, 'box')).toEqual([name])
        await blobs.deleteObjects('box', [name])
        expect(await list(blobs, 'box')).toEqual([])
        expect(await blobs.hasContainer('box')).toBe(true)
      },
    )

    it('gives the part that an inclusive range names', async () => {
      const blobs = await store()
      await put(blobs, 'box', 'o', utf8('0123456789'))
      const part = async (start: bigint, end: bigint): Promise<string> =>
        (await get(blobs, 'box', 'o', start, end)).toString()
      expect(await part(0n, 0n)).toBe('0')
      expect(await part(2n, 4n)).toBe('234')
      expect(await part(8n, 100n)).toBe('89')
      for (const [start, end] of [
        [10n, 12n],
        [3n, 2n],
        [toEnd, toEnd],
      ] as const) {
        await expect(blobs.read('box', 'o', start, end)).rejects.toMatchObject({ code: 'ERR_OBJECT_RANGE' })
      }
      await put(blobs, 'box', 'empty')
      expect(await get(blobs, 'box', 'empty')).toHaveLength(0)
    })

    it('shows nobody an object that is not whole', async () => {
      const blobs = await store()
      await put(blobs, 'box', 'o', utf8('old'))
      const writer = await blobs.create()
      await writer.write(utf8('new'))
      expect((await get(blobs, 'box', 'o')).toString()).toBe('old')
      await writer.abort()
      await writer.abort()
      expect((await get(blobs, 'box', 'o')).toString()).toBe('old')
      await expect(writer.write(utf8('late'))).rejects.toMatchObject({ code: 'ERR_STORAGE_CLOSED' })
    })

    it('goes on reading what was replaced or deleted meanwhile', async () => {
      const blobs = await store()
      await put(blobs, 'box', 'o', utf8('old'))
      const reader = await blobs.read('box', 'o', 0n, toEnd)
      await put(blobs, 'box', 'o', utf8('newer'))
      await blobs.deleteObjects('box', ['o'])
      const pieces: Uint8Array[] = []
      for await (const piece of reader.bytes) pieces.push(piece)
      await reader.close()
      expect(Buffer.concat(pieces).toString()).toBe('old')
    })

    it('makes, finds, empties and deletes containers', async () => {
      const blobs = await store()
      expect(await blobs.hasContainer('other')).toBe(false)
      await expect(blobs.container('other')).rejects.toMatchObject({ code: 'ERR_CONTAINER_MISSING' })
      await expect(blobs.createContainer('box')).rejects.toMatchObject({ code: 'ERR_CONTAINER_EXISTS' })
      expect(await blobs.container('box')).toMatchObject({ name: 'box', createdAt: expect.any(Number) })
      await put(blobs, 'box', 'one', utf8('1'))
      await put(blobs, 'box', 'two', utf8('2'))
      await blobs.clear('box')
      expect(await list(blobs, 'box')).toEqual([])
      await put(blobs, 'box', 'one', utf8('1'))
      await blobs.deleteContainer('box')
      await blobs.deleteContainer('box')
      expect(await blobs.hasContainer('box')).toBe(false)
      await blobs.createContainer('box')
      expect(await list(blobs, 'box')).toEqual([])
    })

    it('names what is missing', async () => {
      const blobs = await store()
      const noObject = { code: 'ERR_OBJECT_MISSING' }
      const noContainer = { code: 'ERR_CONTAINER_MISSING' }
      await expect(blobs.read('box', 'o', 0n, 1n)).rejects.toMatchObject(noObject)
      await expect(blobs.object('box', 'o')).rejects.toMatchObject(noObject)
      await expect(blobs.read('none', 'o', 0n, 1n)).rejects.toMatchObject(noContainer)
      await expect(blobs.objects('none', null)).rejects.toMatchObject(noContainer)
      await expect(blobs.hasObject('none', 'o')).rejects.toMatchObject(noContainer)
      await expect(blobs.clear('none')).rejects.toMatchObject(noContainer)
      await expect(put(blobs, 'none', 'o', utf8('x'))).rejects.toMatchObject(noContainer)
      await expect(
        blobs.copy({ container: 'box', object: 'o' }, { container: 'box', object: 'p' }),
      ).rejects.toMatchObject(noObject)
      await put(blobs, 'box', 'o', utf8('x'))
      await expect(
        blobs.move({ container: 'box', object: 'o' }, { container: 'none', object: 'o' }),
      ).rejects.toMatchObject(noContainer)
      expect(await blobs.hasObject('box', 'o')).toBe(true)
      await blobs.deleteObjects('box', ['none', 'o', 'o'])
      expect(await blobs.hasObject('box', 'o')).toBe(false)
    })

    it('copies and moves, over what was there, also onto itself', async () => {
      const blobs = await store()
      await blobs.createContainer('shelf')
      await put(blobs, 'box', 'a', utf8('A'))
      await put(blobs, 'shelf', 'b', utf8('B'))
      const [from, to] = [
        { container: 'box', object: 'a' },
        { container: 'shelf', object: 'b' },
      ]
      await blobs.copy(from, to)
      expect((await get(blobs, 'shelf', 'b')).toString()).toBe('A')
      await blobs.move(to, { container: 'box', object: 'c' })
      expect(await list(blobs, 'shelf')).toEqual([])
      await blobs.move(from, from)
      expect(await list(blobs, 'box')).toEqual(['a', 'c'])
    })

    it('holds an app to its bytes, objects and open files', async () => {
      const blobs = await store({ bytes: 1_000, objects: 4 })
      await expect(put(blobs, 'box', 'large', new Uint8Array(1_001))).rejects.toMatchObject({
        code: 'ERR_STORAGE_QUOTA',
      })
      // What was refused gave its bytes back.
      await put(blobs, 'box', 'large', new Uint8Array(800))
      await expect(put(blobs, 'box', 'more', new Uint8Array(800))).rejects.toMatchObject({
        code: 'ERR_STORAGE_QUOTA',
      })
      await blobs.deleteObjects('box', ['large'])
      for (const name of ['1', '2', '3']) await put(blobs, 'box', name, utf8('x'))
      await expect(put(blobs, 'box', '4', utf8('x'))).rejects.toMatchObject({ code: 'ERR_STORAGE_QUOTA' })
      await put(blobs, 'box', '3', utf8('again'))
      const readers = [await blobs.read('box', '1', 0n, 1n), await blobs.read('box', '1', 0n, 1n)]
      await expect(blobs.read('box', '1', 0n, 1n)).rejects.toMatchObject({ code: 'ERR_OBJECTS_OPEN' })
      for (const reader of readers) await reader.close()
      const writers = [await blobs.create(), await blobs.create()]
      await expect(blobs.create()).rejects.toMatchObject({ code: 'ERR_OBJECTS_OPEN' })
      for (const writer of writers) await writer.abort()
      await expect(put(blobs, 'box', 'n'.repeat(101), utf8('x'))).rejects.toMatchObject({
        code: 'ERR_STORAGE_TOO_LARGE',
      })
    })

    it('knows the digest of each object', async () => {
      const blobs = await store()
      const bytes = Uint8Array.from({ length: 70_001 }, (_, index) => index % 253)
      const digest = createHash('sha256').update(bytes).digest('hex')
      await put(blobs, 'box', 'o', bytes.subarray(0, 10), bytes.subarray(10))
      expect(await blobs.object('box', 'o')).toMatchObject({ digest })
      await blobs.copy({ container: 'box', object: 'o' }, { container: 'box', object: 'p' })
      expect(await blobs.object('box', 'p')).toMatchObject({ digest })
    })

    it('tells whoever listens of each object that was put or deleted', async () => {
      const blobs = await store()
      const heard: ObjectChange[] = []
      const cancel = blobs.onChange((change) => void heard.push(change))
      await put(blobs, 'box', 'a', utf8('x'))
      await put(blobs, 'box', 'a', utf8('y'))
      await blobs.deleteObjects('box', ['none', 'a'])
      await put(blobs, 'box', 'b', utf8('z'))
      await blobs.clear('box')
      expect(heard.map(({ container, object, kind }) => `${kind} ${container}/${object}`)).toEqual([
        'put box/a',
        'put box/a',
        'delete box/a',
        'put box/b',
        'delete box/b',
      ])
      expect(heard[0]).toMatchObject({
        digest: createHash('sha256').update('x').digest('hex'),
        sizeBytes: 1,
      })
      expect(heard[2]).toMatchObject({ digest: null, sizeBytes: null })
      cancel()
      await put(blobs, 'box', 'c', utf8('unheard'))
      expect(heard).toHaveLength(5)
    })

    it('finds again what was put since, if it has a feed', async () => {
      const blobs = await store()
      const { feed } = blobs
      if (feed === undefined) return
      await put(blobs, 'box', 'before', utf8('x'))
      const start = await feed.position()
      for (const name of ['one', 'two', 'one', 'gone']) await put(blobs, 'box', name, utf8(name))
      await blobs.deleteObjects('box', ['gone'])
      const puts = await feed.puts('box', start)
      expect(puts.map(({ object, kind, sizeBytes }) => [object, kind, sizeBytes])).toEqual([
        ['two', 'put', 3],
        ['one', 'put', 3],
      ])
      expect(await feed.puts('box', puts[0]?.number ?? 0)).toEqual([puts[1]])
      expect(await feed.puts('none', 0)).toEqual([])
    })

    it('says that it is closed', async () => {
      const blobs = await store()
      await blobs.close()
      await expect(blobs.hasContainer('box')).rejects.toMatchObject({ code: 'ERR_STORAGE_CLOSED' })
    })

    it('holds what a Map would hold, whatever is done to it', async () => {
      const name = fc.constantFrom('a', 'b', 'c', 'd', 'e')
      const step = fc.oneof(
        fc.record({ do: fc.constant('put' as const), name, text: fc.string({ maxLength: 20 }) }),
        fc.record({ do: fc.constant('delete' as const), name }),
        fc.record({ do: fc.constantFrom('copy' as const, 'move' as const), name, to: name }),
        fc.record({ do: fc.constant('clear' as const) }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
          const blobs = await open(limits)
          await blobs.createContainer('box')
          const model = new Map<string, string>()
          const at = (object: string): { container: string; object: string } => ({ container: 'box', object })
          for (const action of steps) {
            if (action.do === 'put') {
              await put(blobs, 'box', action.name, utf8(action.text))
              model.set(action.name, action.text)
            } else if (action.do === 'delete') {
              await blobs.deleteObjects('box', [action.name])
              model.delete(action.name)
            } else if (action.do === 'clear') {
              await blobs.clear('box')
              model.clear()
            } else {
              const moved = model.get(action.name)
              const done = blobs[action.do](at(action.name), at(action.to))
              if (moved === undefined) {
                await expect(done).rejects.toMatchObject({ code: 'ERR_OBJECT_MISSING' })
                continue
              }
              await done
              if (action.do === 'move') model.delete(action.name)
              model.set(action.to, moved)
            }
          }
          expect(await list(blobs, 'box')).toEqual([...model.keys()].sort())
          for (const [key, text] of model) expect((await get(blobs, 'box', key)).toString()).toBe(text)
          await blobs.close()
        }),
        { numRuns: 25 },
      )
    })
  })
}
