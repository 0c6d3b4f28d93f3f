import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inMemory } from '../../../host/formats/file-access.ts'
import { indexTar } from '../../../host/formats/tar/reader.ts'
import { tarOf } from '../../../host/formats/tar/writer.ts'

const archiveOf = (files: readonly { name: string; bytes: Uint8Array }[]): Uint8Array =>
  new Uint8Array(Buffer.concat([...tarOf(files)]))

/** With another value in a header field, and the checksum that goes with it. */
function altered(archive: Uint8Array, change: (header: Buffer) => void): Uint8Array {
  const copy = Buffer.from(archive)
  const header = copy.subarray(0, 512)
  change(header)
  header.write('        ', 148)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return new Uint8Array(copy)
}

const one = archiveOf([{ name: 'index.json', bytes: new Uint8Array([1, 2, 3]) }])
const index = (bytes: Uint8Array) => indexTar(inMemory(bytes))

describe('an archive', () => {
  it('gives back every file that was written, where it lies', async () => {
    const names = fc.stringMatching(/^[a-z0-9]{1,20}(\/[a-z0-9]{1,20}){0,3}$/)
    const files = fc.uniqueArray(fc.record({ name: names, bytes: fc.uint8Array({ maxLength: 1_200 }) }), {
      selector: ({ name }) => name,
      maxLength: 8,
    })
    await fc.assert(
      fc.asyncProperty(files, async (written) => {
        const archive = archiveOf(written)
        const entries = await index(archive)
        expect([...entries.keys()]).toEqual(written.map(({ name }) => name))
        for (const { name, bytes } of written) {
          const { at, sizeBytes } = entries.get(name)!
          expect(archive.subarray(at, at + sizeBytes)).toEqual(bytes)
        }
      }),
    )
  })

  it('may begin its names with ./ and hold folders, as tar writes them', async () => {
    const dotted = altered(one, (header) => header.write('./index.json', 0))
    expect([...(await index(dotted)).keys()]).toEqual(['index.json'])
    const folder = altered(one, (header) => {
      header.write('5', 156)
      header.write('00000000000\0', 124)
    })
    expect((await index(new Uint8Array(Buffer.concat([folder.subarray(0, 512), one])))).size).toBe(1)
  })
})

describe('an archive is refused', () => {
  const refused = (bytes: Uint8Array) => expect(index(bytes)).rejects.toMatchObject({ code: 'ERR_TAR' })

  it.each(['../index.json', '/etc/passwd', 'a/../../b', 'a//b', 'a\\b', '.'])(
    'for a file named %s',
    async (name) => refused(altered(one, (header) => header.fill(0, 0, 100).write(name, 0))),
  )

  it.each([
    ['a hard link', '1'],
    ['a symbolic link', '2'],
    ['a device', '3'],
    ['a long name of GNU tar', 'L'],
  ])('for %s', async (_, type) => refused(altered(one, (header) => header.write(type, 156))))

  it('for an extended header that renames what follows', async () => {
    const record = '30 path=../../somewhere/else\n'
    const extended = archiveOf([{ name: 'x', bytes: Buffer.from(record) }]).subarray(0, 1024)
    const renaming = altered(extended, (header) => header.write('x', 156))
    await refused(new Uint8Array(Buffer.concat([renaming, one])))
  })

  it('for the same name twice', () => {
    const file = { name: 'index.json', bytes: new Uint8Array([1]) }
    return refused(archiveOf([file, file]))
  })

  it('for a size beyond its end, and one that is no number', async () => {
    await refused(altered(one, (header) => header.write('77777777777\0', 124)))
    await refused(altered(one, (header) => header.write('-1\0', 124)))
  })

  it('for a checksum that does not fit', () =>
    refused(Uint8Array.from(one, (byte, at) => (at === 0 ? byte ^ 1 : byte))))

  it('wherever it is cut', async () => {
    for (const end of [0, 1, 511, 512, 515, 1024, 1535]) await refused(one.subarray(0, end))
  })

  it('or read as something, whatever bytes it is made of', async () => {
    const mutation = fc.array(fc.tuple(fc.nat(one.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(mutation, async (changes) => {
        const bytes = one.slice()
        for (const [at, value] of changes) bytes[at] = value
        await index(bytes).catch((error: unknown) => expect(error).toMatchObject({ code: 'ERR_TAR' }))
      }),
    )
  })
})
