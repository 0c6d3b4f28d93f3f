import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  imageOf,
  layoutFiles,
  openLayout,
  readArtifact,
  writeLayout,
  type WasmArtifact,
} from '../../../host/formats/index.ts'
import { readEither } from '../../../host/formats/oci/documents.ts'
import { component, encode, describeBytes, imageWith, layoutWith } from './images.ts'

let folder: string
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'selvedge-oci-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

async function read(path: string, tag: string | null = null): Promise<WasmArtifact> {
  const source = await openLayout(path)
  try {
    return await readArtifact(source, tag)
  } finally {
    await source.close()
  }
}

async function readFiles(files: { name: string; bytes: Uint8Array }[], tag: string | null = null) {
  const path = join(folder, `${Math.floor(files.length)}-${(await import('node:crypto')).randomUUID()}.tar`)
  await writeLayout(path, files)
  return read(path, tag)
}

const wasm = { mediaType: 'application/wasm', bytes: component }
const release = new Uint8Array([1, 2, 3])
const image = imageOf({
  app: 'light-alarm',
  version: '2.0.0+b1',
  signedAt: Date.UTC(2026, 0, 1),
  component,
  world: { imports: ['wasi:cli/environment@0.2.0'], exports: ['selvedge:app/events@0.1.0'] },
  release,
})

describe('a release as an image', () => {
  it.each(['layout', 'layout.tar'])('comes back from the layout %s as it was', async (name) => {
    const path = join(folder, name)
    await writeLayout(path, layoutFiles(image))
    expect(await read(path)).toEqual({ component, title: 'light-alarm', version: '2.0.0+b1', release })
    expect((await read(path, '2.0.0_b1')).component).toEqual(component)
  })

  it('has the types and the config of the Wasm OCI artifact layout, and one layer', () => {
    const manifest = JSON.parse(Buffer.from(image.manifest).toString()) as {
      config: { mediaType: string; digest: string }
      layers: { mediaType: string; digest: string }[]
    }
    expect(manifest.config.mediaType).toBe('application/vnd.wasm.config.v0+json')
    expect(manifest.layers.map(({ mediaType }) => mediaType)).toEqual(['application/wasm'])
    const config = image.blobs.find(({ descriptor }) => descriptor.digest === manifest.config.digest)
    expect(JSON.parse(Buffer.from(config?.bytes ?? []).toString())).toEqual({
      created: '2026-01-01T00:00:00.000Z',
      architecture: 'wasm',
      os: 'wasip2',
      layerDigests: [manifest.layers[0]?.digest],
      component: { imports: ['wasi:cli/environment@0.2.0'], exports: ['selvedge:app/events@0.1.0'] },
    })
  })

  it('is the same bytes each time', async () => {
    await writeLayout(join(folder, 'a.tar'), layoutFiles(image))
    await writeLayout(join(folder, 'b.tar'), layoutFiles(image))
    expect(await readFile(join(folder, 'a.tar'))).toEqual(await readFile(join(folder, 'b.tar')))
  })

  it('is not written over what is there', async () => {
    await writeFile(join(folder, 'mine'), 'x')
    await expect(writeLayout(folder, layoutFiles(image))).rejects.toMatchObject({ code: 'ERR_EXPORT_TARGET' })
  })
})

describe('images of other tools', () => {
  it.each([
    'application/vnd.wasm.content.layer.v1+wasm',
    'application/vnd.bytecodealliance.wasm.component.layer.v0+wasm',
    'application/wasm',
  ])('are taken with a layer of %s, and nobody has signed them', async (mediaType) => {
    const artifact = await readFiles(layoutWith({ latest: imageWith([{ mediaType, bytes: component }]) }))
    expect(artifact).toEqual({ component, title: null, version: null, release: null })
  })

  it('are chosen by their tag where there are several, and the tags are named where none is given', async () => {
    const other = component.slice().fill(7, 8)
    const files = layoutWith({
      '1.0': imageWith([wasm]),
      '2.0': imageWith([{ ...wasm, bytes: other }]),
    })
    expect((await readFiles(files, '2.0')).component).toEqual(other)
    await expect(readFiles(files)).rejects.toMatchObject({
      code: 'ERR_OCI_ARTIFACT',
      message: expect.stringContaining('1.0, 2.0') as string,
    })
    await expect(readFiles(files, '3.0')).rejects.toMatchObject({ code: 'ERR_OCI_ARTIFACT' })
  })
})

describe('an image is refused', () => {
  it.each([
    ['without a layer of WebAssembly', [{ ...wasm, mediaType: 'application/vnd.oci.image.layer.v1.tar' }]],
    ['with two', [wasm, { ...wasm, bytes: component.slice().fill(1, 8) }]],
    ['with no layers', []],
  ])('%s', async (_, layers) => {
    await expect(readFiles(layoutWith({ x: imageWith(layers) }))).rejects.toMatchObject({
      code: 'ERR_OCI_ARTIFACT',
    })
  })

  it('whose component is not the one that is named', async () => {
    const files = layoutWith({ x: imageWith([wasm]) }).map((file) =>
      file.bytes === component ? { ...file, bytes: component.slice().fill(9, 8) } : file,
    )
    await expect(readFiles(files)).rejects.toMatchObject({ code: 'ERR_FORMAT_DIGEST' })
  })

  it('whose component is longer than it says, before it is read', async () => {
    const files = layoutWith({ x: imageWith([wasm]) }).map((file) =>
      file.bytes === component ? { ...file, bytes: new Uint8Array(100_000) } : file,
    )
    await expect(readFiles(files)).rejects.toMatchObject({ code: 'ERR_FORMAT_DIGEST' })
  })

  it('that says it has more than may be published', async () => {
    const layer = { ...describeBytes('application/wasm', component), size: 2 ** 40 }
    const files = layoutWith({ x: imageWith([], { layers: [layer] }) })
    await expect(readFiles(files)).rejects.toMatchObject({ code: 'ERR_OCI_ARTIFACT' })
  })

  it('whose indexes go on within each other', async () => {
    let inner = imageWith([wasm]).manifest
    const blobs = [inner]
    for (let depth = 0; depth < 5; depth++) {
      const type = depth === 0 ? 'manifest' : 'index'
      inner = encode({
        schemaVersion: 2,
        manifests: [describeBytes(`application/vnd.oci.image.${type}.v1+json`, inner)],
      })
      blobs.push(inner)
    }
    const files = layoutWith({ x: { manifest: inner, blobs } }).map((file) =>
      file.name === 'index.json'
        ? {
            ...file,
            bytes: encode({
              schemaVersion: 2,
              manifests: [describeBytes('application/vnd.oci.image.index.v1+json', inner)],
            }),
          }
        : file,
    )
    await expect(readFiles(files)).rejects.toMatchObject({ code: 'ERR_OCI_LAYOUT' })
  })

  it('where a digest names a file outside', async () => {
    const layer = { ...describeBytes('application/wasm', component), digest: 'sha256:../../../etc/passwd' }
    const files = layoutWith({ x: imageWith([], { layers: [layer] }) })
    await expect(readFiles(files)).rejects.toMatchObject({ code: 'ERR_OCI_LAYOUT' })
  })

  it('in a folder that is none of OCI', async () => {
    await expect(openLayout(folder)).rejects.toMatchObject({ code: 'ERR_OCI_LAYOUT' })
  })
})

describe('documents', () => {
  it('are read or refused with a code, whatever they are made of', () => {
    const json = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((text) => new TextEncoder().encode(text)),
      fc
        .record({
          schemaVersion: fc.constantFrom(1, 2),
          manifests: fc.jsonValue(),
          layers: fc.jsonValue(),
          config: fc.jsonValue(),
        })
        .map(encode),
    )
    fc.assert(
      fc.property(json, (bytes) => {
        try {
          readEither(bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_OCI_LAYOUT' })
        }
      }),
    )
  })
})
