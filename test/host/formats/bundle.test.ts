import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { inMemory } from '../../../host/formats/file-access.ts'
import { bundleOf, readBundle, type BundleParts } from '../../../host/formats/index.ts'
import { encodeContents, magic } from '../../../host/formats/bundle/contents.ts'
import { componentRef, signRelease, type BlobRef } from '../../../mesh/index.ts'
import { publisher } from '../../mesh/identity/harness.ts'
import { sample } from '../../mesh/blobs/samples.ts'
import { releaseRecord } from '../../mesh/releases/harness.ts'

const mesh = 'ab'.repeat(32)
const components = [sample(1, 60_000), sample(2, 30_000)].map(componentRef)
const blobs = new Map<string, Uint8Array>(
  components.flatMap(({ ref, list, chunks }) => [
    [ref.chunks.digest, list] as const,
    ...chunks.map(({ digest, bytes }) => [digest, bytes] as const),
  ]),
)
const releases = components.map(({ ref }, at) =>
  signRelease(publisher, releaseRecord(mesh, { app: `light-${at}`, component: ref })),
)
const parts: BundleParts = {
  mesh,
  records: [
    ...releases.map((bytes) => ({ kind: 'release', bytes }) as const),
    { kind: 'trust', bytes: new Uint8Array([0x80]) },
  ],
  lists: components.map(({ ref }) => ref.chunks),
  chunks: components.flatMap(({ chunks }) => chunks.map(({ digest, sizeBytes }) => ({ digest, sizeBytes }))),
  async *read(wanted) {
    for (const { digest } of wanted) yield blobs.get(digest)!
  },
}

async function written(some: BundleParts): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of bundleOf(some)) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

const bundle = await written(parts)
const read = (bytes: Uint8Array) => readBundle(inMemory(bytes))

/** With an end that fits, as somebody would make who means to deceive. */
function resealed(bytes: Uint8Array): Uint8Array {
  const body = bytes.subarray(0, bytes.length - 32)
  return new Uint8Array(Buffer.concat([body, Buffer.from(digestOf(body), 'hex')]))
}

describe('a bundle', () => {
  it('gives back records in the order they depend on each other, and whole components', async () => {
    const { records, releases: found, mesh: of, holds, component } = await read(bundle)
    expect(of).toBe(mesh)
    expect(records.map(({ kind }) => kind)).toEqual(['trust', 'release', 'release'])
    expect(found.map(({ record }) => record.app)).toEqual(['light-0', 'light-1'])
    for (const { ref, list, chunks } of components) {
      expect(holds(ref)).toBe(true)
      const pieces: Uint8Array[] = []
      for await (const piece of component(ref)) pieces.push(piece)
      expect(pieces).toEqual([list, ...chunks.map(({ bytes }) => bytes)])
    }
  })

  it('is the same bytes for the same holdings', async () => {
    expect(await written(parts)).toEqual(bundle)
  })

  it('may carry a release without its component', async () => {
    const found = await read(await written({ ...parts, lists: [], chunks: [] }))
    expect(found.holds(components[0]!.ref)).toBe(false)
  })

  it('is not written with a chunk that is another', async () => {
    const read = async function* (wanted: readonly BlobRef[]) {
      for (const _ of wanted) yield new Uint8Array([1])
    }
    await expect(written({ ...parts, read })).rejects.toMatchObject({ code: 'ERR_FORMAT_DIGEST' })
  })
})

describe('a bundle is refused', () => {
  const refused = async (bytes: Uint8Array): Promise<void> => {
    await expect(read(bytes)).rejects.toMatchObject({ code: 'ERR_BUNDLE_INVALID' })
  }

  it('wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(bundle.length - 1), (length) => refused(bundle.subarray(0, length))),
    )
  })

  it('with a byte behind its end', () => refused(new Uint8Array([...bundle, 0])))

  it('with any byte changed', async () => {
    const change = fc.tuple(fc.nat(bundle.length - 1), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(change, async ([at, by]) => {
        const bytes = bundle.slice()
        bytes[at] = (bytes[at] ?? 0) ^ by
        await refused(bytes)
      }),
    )
  })

  it('with any byte changed and an end that fits, but for what is signed or nobody reads', async () => {
    const change = fc.tuple(fc.nat(bundle.length - 33), fc.integer({ min: 1, max: 255 }))
    await fc.assert(
      fc.asyncProperty(change, async ([at, by]) => {
        const bytes = bundle.slice()
        bytes[at] = (bytes[at] ?? 0) ^ by
        const found = await read(resealed(bytes)).catch((error: unknown) => {
          expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_/) as string })
          return null
        })
        if (found === null) return
        // A chunk, or the mesh's name: the first is found when it is read, the second by whoever knows the mesh.
        const reads = components.map(async ({ ref }) => {
          for await (const _ of found.component(ref));
        })
        const ends = await Promise.allSettled(reads)
        expect(found.mesh !== mesh || ends.some(({ status }) => status === 'rejected')).toBe(true)
      }),
    )
  })

  it('with a table of contents that claims what is not there', async () => {
    const claims = [0xffffffff, 100_000_000, bundle.length]
    for (const claim of claims) {
      const bytes = bundle.slice()
      new DataView(bytes.buffer).setUint32(magic.length, claim)
      await refused(bytes)
    }
  })

  const chunk = (byte: number) => ({ digest: digestOf(new Uint8Array([byte])), sizeBytes: 1 })
  const readAny: BundleParts['read'] = async function* (wanted) {
    for (const { digest } of wanted) {
      const byte = [1, 2].find((each) => digestOf(new Uint8Array([each])) === digest)
      yield byte === undefined ? blobs.get(digest)! : new Uint8Array([byte])
    }
  }

  it.each([
    ['chunks that no release needs', { ...parts, chunks: [...parts.chunks, chunk(1)], read: readAny }],
    ['a list that no release names', { ...parts, lists: [...parts.lists, chunk(1)], read: readAny }],
    ['a component that lacks a chunk', { ...parts, chunks: parts.chunks.slice(1) }],
    ['the same chunk twice', { ...parts, chunks: [...parts.chunks, parts.chunks[0]!] }],
  ])('with %s', async (_, some) => refused(await written(some)))

  it('with a release whose signature does not hold', async () => {
    const forged = releases[0]!.slice()
    forged[forged.length - 1]! ^= 1
    const records = [{ kind: 'release', bytes: forged }] as const
    await expect(read(await written({ ...parts, records, lists: [], chunks: [] }))).rejects.toMatchObject({
      code: 'ERR_RELEASE_SIGNATURE',
    })
  })

  it('with two chains of trust, records out of order, or sizes out of bounds', async () => {
    const record = (kind: 'trust' | 'release', name: string, sizeBytes = 1) => {
      return { kind, digest: digestOf(new TextEncoder().encode(name)), sizeBytes }
    }
    const bad = [
      [record('trust', 'a'), record('trust', 'b')],
      [record('release', 'a'), record('trust', 'b')],
      [record('trust', 'a', 2 ** 31)],
    ]
    for (const records of bad) {
      const contents = encodeContents({ mesh, records, lists: [], chunks: [] })
      const head = Buffer.alloc(magic.length + 4)
      head.set(magic)
      head.writeUInt32BE(contents.length, magic.length)
      await refused(resealed(new Uint8Array(Buffer.concat([head, contents, Buffer.alloc(34)]))))
    }
  })

  it('whatever bytes it is made of', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), (bytes) =>
        refused(new Uint8Array(Buffer.concat([magic, bytes]))),
      ),
    )
  })
})
