import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import {
  acquireDataLock,
  ControlServer,
  type DataLock,
  type PublishContext,
  type UploadIntent,
  type UploadReport,
} from '../../../host/api/index.ts'
import { writeLayout } from '../../../host/formats/index.ts'
import { componentRef, createMesh, openKeyRing, readRelease } from '../../../mesh/index.ts'
import { FakeNode } from '../api/fake-node.ts'
import { sampleNow } from '../api/sample-status.ts'
import { component, digestOf, imageWith, layoutWith, type TestImage } from '../formats/images.ts'
import { strictRegistry, type StrictRegistry } from '../formats/strict-registry.ts'
import { run } from './fake-world.ts'

/** Checks nothing, and cuts components as nodes do. */
class PublishingNode extends FakeNode {
  meshId = ''

  override async publishContext(app: string): Promise<PublishContext> {
    return { mesh: this.meshId, app, nextSeq: 1, previous: null, head: null }
  }

  override async upload(bytes: Uint8Array, intent: UploadIntent): Promise<UploadReport> {
    return { ...(await super.upload(bytes, intent)), chunks: componentRef(bytes).ref.chunks }
  }
}

let folder: string
let node: PublishingNode
let lock: DataLock
let server: ControlServer
let registry: StrictRegistry

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-image-'))
  await mkdir(join(folder, 'data'))
  node = new PublishingNode()
  const keyRing = openKeyRing(join(folder, 'keys'))
  const made = await createMesh({ name: 'harbor', keyRing, now: sampleNow, random: systemRandom })
  node.meshId = made.meshId
  lock = await acquireDataLock(join(folder, 'data'))
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
  registry = await strictRegistry()
})

afterEach(async () => {
  await registry.stop()
  await server.stop()
  await lock.release()
  await rm(folder, { recursive: true, force: true })
})

const publish = (...words: string[]): ReturnType<typeof run> =>
  run(['publish', ...words], { data: join(folder, 'data'), keys: join(folder, 'keys'), cwd: folder })

const signed = () => {
  const { app, version, grants, component: ref } = readRelease(node.published[0] ?? new Uint8Array()).record
  return { app, version, grants, component: ref.digest }
}

const annotated = (said: Readonly<Record<string, string>>): TestImage =>
  imageWith([{ mediaType: 'application/wasm', bytes: component }], { annotations: said })
const wanted = componentRef(component).ref.digest

describe('publish of a layout', () => {
  it.each(['porch-light', 'porch-light.tar'])(
    '%s signs its component, granted nothing by it',
    async (name) => {
      await writeLayout(join(folder, name), layoutWith({ x: annotated({}) }))
      expect(await publish(name)).toMatchObject({ code: 0 })
      expect(signed()).toEqual({ app: 'porch-light', version: '0.0.1', grants: [], component: wanted })
    },
  )

  it('takes name and version from what the image says, and grants from whoever signs', async () => {
    const said = { 'org.opencontainers.image.title': 'lamp', 'org.opencontainers.image.version': 'v1.2.3' }
    await writeLayout(join(folder, 'some.tar'), layoutWith({ x: annotated(said) }))
    expect(await publish('some.tar', '--grant', 'pin:led')).toMatchObject({ code: 0 })
    expect(signed()).toEqual({ app: 'lamp', version: '1.2.3', grants: ['pin:led'], component: wanted })
  })

  it('takes the image that is tagged so', async () => {
    const files = layoutWith({ '1.0.0': annotated({}), '2.0.0': annotated({ x: 'y' }) })
    await writeLayout(join(folder, 'lamp'), files)
    expect((await publish('lamp')).stderr).toContain('error[ERR_OCI_ARTIFACT]')
    expect(await publish('lamp:2.0.0')).toMatchObject({ code: 0 })
    expect(signed()).toMatchObject({ app: 'lamp', version: '2.0.0' })
  })
})

describe('publish of a reference', () => {
  beforeEach(() => {
    const image = annotated({})
    const type = 'application/vnd.oci.image.manifest.v1+json'
    for (const blob of image.blobs) registry.blobs.set(digestOf(blob), blob)
    registry.manifests.set('3.1.4', { type, bytes: image.manifest })
  })

  it('pulls, and signs under the repository’s name and the tag’s version', async () => {
    expect(await publish(`${registry.host}/org/app:3.1.4`)).toMatchObject({ code: 0 })
    expect(signed()).toEqual({ app: 'app', version: '3.1.4', grants: [], component: wanted })
  })

  it('signs nothing where the registry has no such image', async () => {
    const { code, stderr } = await publish(`${registry.host}/org/app:9`)
    expect({ code, coded: stderr.includes('error[ERR_REGISTRY_MISSING]') }).toEqual({ code: 1, coded: true })
    expect(node.published).toEqual([])
  })
})
