import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import {
  createRegistry,
  imageOf,
  parseReference,
  readArtifact,
  type Registry,
  type ReleaseImage,
} from '../../../host/formats/index.ts'
import { component, digestOf, imageWith } from './images.ts'
import { strictRegistry, type StrictRegistry } from './strict-registry.ts'

let registry: StrictRegistry
beforeEach(async () => (registry = await strictRegistry()))
afterEach(() => registry.stop())

const image: ReleaseImage = imageOf({
  app: 'light-alarm',
  version: '2.0.0',
  signedAt: 0,
  component,
  world: null,
  release: new Uint8Array([1, 2, 3]),
})

const client = (env: Record<string, string> = {}, signal = new AbortController().signal): Registry =>
  createRegistry({ clock: systemClock, env, signal, plainHttp: false })
const name = (tail: string) => parseReference(`${registry.host}/org/app${tail}`)
const pull = (tail: string, env?: Record<string, string>) => readArtifact(client(env).image(name(tail)), null)

describe('a registry', () => {
  it('takes an image and gives it back, by tag and by digest', async () => {
    const digest = await client().push(name(':2.0.0'), image)
    const wanted = { component, title: 'light-alarm', version: '2.0.0', release: new Uint8Array([1, 2, 3]) }
    expect(await pull(':2.0.0')).toEqual(wanted)
    expect(await pull(`@${digest}`)).toEqual(wanted)
    expect(await pull(`:whatever@${digest}`)).toEqual(wanted)
  })

  it('is not sent again what it has', async () => {
    await client().push(name(':2.0.0'), image)
    registry.calls.length = 0
    await client().push(name(':latest'), image)
    expect(registry.calls.filter((call) => call.startsWith('POST') || call.includes('uploads'))).toEqual([])
  })

  it('holds images of other tools in an index for several platforms', async () => {
    const wasm = imageWith([{ mediaType: 'application/vnd.wasm.content.layer.v1+wasm', bytes: component }])
    const manifestType = 'application/vnd.oci.image.manifest.v1+json'
    for (const blob of wasm.blobs) registry.blobs.set(digestOf(blob), blob)
    registry.manifests.set(digestOf(wasm.manifest), { type: manifestType, bytes: wasm.manifest })
    const linux = { mediaType: manifestType, digest: `sha256:${'0'.repeat(64)}`, size: 9 }
    const index = new TextEncoder().encode(
      JSON.stringify({
        schemaVersion: 2,
        manifests: [
          { ...linux, platform: { architecture: 'amd64', os: 'linux' } },
          {
            mediaType: manifestType,
            digest: digestOf(wasm.manifest),
            size: wasm.manifest.length,
            platform: { architecture: 'wasm', os: 'wasip2' },
          },
        ],
      }),
    )
    registry.manifests.set('latest', { type: 'application/vnd.oci.image.index.v1+json', bytes: index })
    expect((await pull('')).component).toEqual(component)
  })

  it('says so where it has no such image', async () => {
    await expect(pull(':none')).rejects.toMatchObject({
      code: 'ERR_REGISTRY_MISSING',
      message: expect.stringContaining('manifest unknown') as string,
    })
  })
})

describe('who asks', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selvedge-auth-'))
    await registry.stop()
    registry = await strictRegistry({ login: 'ada:se:cret' })
    registry.manifests.clear()
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('is told by two variables, or by the file that docker login wrote', async () => {
    const env = { SELVEDGE_REGISTRY_USER: 'ada', SELVEDGE_REGISTRY_PASSWORD: 'se:cret' }
    await client(env).push(name(':1'), image)
    const auth = Buffer.from('ada:se:cret').toString('base64')
    await mkdir(join(folder, '.docker'))
    await writeFile(
      join(folder, '.docker', 'config.json'),
      JSON.stringify({ auths: { [registry.host]: { auth } } }),
    )
    expect((await pull(':1', { HOME: folder })).component).toEqual(component)
  })

  it.each([
    ['nobody', {}],
    ['somebody with a wrong password', { SELVEDGE_REGISTRY_USER: 'ada', SELVEDGE_REGISTRY_PASSWORD: 'x' }],
  ])('is not let in as %s', async (_, env) => {
    await expect(pull(':1', { ...env, HOME: folder })).rejects.toMatchObject({ code: 'ERR_REGISTRY_AUTH' })
  })

  it('is not guessed where another program keeps the password', async () => {
    const config = { auths: { [registry.host]: {} }, credsStore: 'desktop' }
    await writeFile(join(folder, 'config.json'), JSON.stringify(config))
    await expect(pull(':1', { DOCKER_CONFIG: folder })).rejects.toMatchObject({
      code: 'ERR_REGISTRY_AUTH',
      message: expect.stringContaining('docker-credential-desktop') as string,
    })
  })
})

describe('a registry that lies', () => {
  beforeEach(() => client().push(name(':2.0.0'), image))

  const expectCode = (code: string) => expect(pull(':2.0.0')).rejects.toMatchObject({ code })

  it('with other bytes is found out', async () => {
    for (const [digest, bytes] of registry.blobs) registry.blobs.set(digest, bytes.slice().fill(1, 0, 3))
    await expectCode('ERR_FORMAT_DIGEST')
  })

  it('with more bytes than it said is stopped', async () => {
    for (const digest of registry.blobs.keys()) registry.blobs.set(digest, new Uint8Array(5_000_000))
    await expectCode('ERR_REGISTRY_ANSWER')
  })

  it('with a manifest without end is stopped', async () => {
    registry.sabotage = (path, response) => {
      if (!path.includes('/manifests/')) return false
      const write = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(256 * 1024), () => setImmediate(write))
      }
      write()
      return true
    }
    await expectCode('ERR_REGISTRY_ANSWER')
  })

  it('with another manifest than the digest that was asked for is found out', async () => {
    const other = imageWith([])
    const digest = `sha256:${'ab'.repeat(32)}`
    registry.manifests.set(digest, {
      type: 'application/vnd.oci.image.manifest.v1+json',
      bytes: other.manifest,
    })
    await expect(pull(`@${digest}`)).rejects.toMatchObject({ code: 'ERR_FORMAT_DIGEST' })
  })

  it.each([
    ['in a circle', (host: string) => `http://${host}/v2/org/app/manifests/2.0.0`],
    ['to a file', () => 'file:///etc/passwd'],
  ])('by a redirect %s is refused', async (_, target) => {
    registry.sabotage = (path, response) => {
      if (!path.includes('/manifests/')) return false
      response.writeHead(307, { location: target(registry.host) }).end()
      return true
    }
    await expectCode('ERR_REGISTRY_ANSWER')
  })

  it('by hanging up is told from one that is not there', async () => {
    registry.sabotage = (_, response) => {
      response.destroy()
      return true
    }
    await expectCode('ERR_REGISTRY_UNREACHABLE')
  })

  it('by silence ends when the person does', async () => {
    registry.sabotage = () => true
    const ending = new AbortController()
    const asked = readArtifact(client({}, ending.signal).image(name(':1')), null)
    ending.abort(new Error('enough'))
    await expect(asked).rejects.toThrow('enough')
  })
})
