import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  acquireDataLock,
  ControlServer,
  type DataLock,
  type PublishContext,
  type StatusReport,
  type UploadIntent,
  type UploadReport,
} from '../../../host/api/index.ts'
import {
  digestOf,
  keyPairFromSeed,
  SelvedgeError,
  silentLog,
  systemClock,
  systemRandom,
} from '../../../core/index.ts'
import {
  componentRef,
  createMesh,
  encodeDeployKey,
  openKeyRing,
  readInvite,
  readRelease,
} from '../../../mesh/index.ts'
import { FakeNode, sampleRelease } from '../api/fake-node.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'
import { run, type RunOptions } from './fake-world.ts'

/** A node that checks nothing, and cuts components as nodes do. */
class PublishingNode extends FakeNode {
  meshId = ''
  /** What it finds in components, by their size. */
  readonly found = new Map<number, Partial<UploadReport>>()
  head: PublishContext['head'] = null

  override async publishContext(app: string): Promise<PublishContext> {
    const previous = this.head === null ? null : this.head.digest
    return { mesh: this.meshId, app, nextSeq: (this.head?.seq ?? 0) + 1, previous, head: this.head }
  }

  override async upload(component: Uint8Array, intent: UploadIntent): Promise<UploadReport> {
    const report = await super.upload(component, intent)
    return { ...report, chunks: componentRef(component).ref.chunks, ...this.found.get(component.length) }
  }

  override async inviteContext() {
    return { ...(await super.inviteContext()), mesh: this.meshId }
  }
}

let folder: string
let keys: string
let wasm: string
let node: PublishingNode
let lock: DataLock
let server: ControlServer
const bytes = new Uint8Array(20_000).map((_, index) => (index * 7) % 251)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-publish-'))
  keys = join(folder, 'keys')
  wasm = join(folder, 'Light Alarm.wasm')
  await mkdir(join(folder, 'data'))
  await writeFile(wasm, bytes)
  node = new PublishingNode()
  const made = await createMesh({
    name: 'harbor',
    keyRing: openKeyRing(keys),
    now: sampleNow,
    random: systemRandom,
  })
  node.meshId = made.meshId
  lock = await acquireDataLock(join(folder, 'data'))
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(folder, { recursive: true, force: true })
})

const here = (words: readonly string[], options: RunOptions = {}): ReturnType<typeof run> =>
  run(words, { data: join(folder, 'data'), keys, cwd: folder, ...options })

const published = () => readRelease(node.published[0] ?? new Uint8Array()).record

describe('publish with variants', () => {
  const simd = new Uint8Array(30_000).fill(7)
  const line = ['publish', 'Light Alarm.wasm', '--variant', 'simd=simd.wasm', '--app', 'light-alarm']
  const exported = { exports: ['handler'], exportTypes: 'e'.repeat(64) }
  const memory = { startBytes: 65_536 }

  beforeEach(async () => {
    await writeFile(join(folder, 'simd.wasm'), simd)
    node.found.set(bytes.length, exported)
    node.found.set(simd.length, { ...exported, features: ['simd'], memory })
    const machine = { appMemoryBytes: 64 * 1024 ** 2 }
    const known = (name: string, features: readonly string[]): StatusReport['nodes'][number] => {
      const [sample] = sampleStatus.nodes
      if (sample === undefined) throw new Error('the sample has nodes')
      return { ...sample, id: name, name, groups: [], platform: 'linux', features, machine }
    }
    node.report = {
      ...sampleStatus,
      nodes: [known('a', ['simd']), known('b', []), known('c', ['gc', 'simd'])],
    }
  })

  it('signs both with what each needs, and says beforehand which nodes take which', async () => {
    const { code, stderr } = await here(line)
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining('variants: simd on 2, the component itself on 1'),
    ])
    expect(published()).toMatchObject({
      component: componentRef(bytes).ref,
      features: [],
      variants: [{ name: 'simd', component: componentRef(simd).ref, features: ['simd'], memory }],
    })
    expect(node.uploads.map(({ intent }) => intent.variant)).toEqual([undefined, 'simd'])
  })

  it.each([
    ['other exports', { exports: ['handler', 'spy'] }, 'it exports spy'],
    ['fewer exports', { exports: [] }, 'it does not export handler'],
    ['other types', { exportTypes: 'f'.repeat(64) }, 'its exports have other types'],
    ['more imports', { imports: ['wasi:http/types'] }, 'it imports wasi:http/types'],
  ])('refuses one with %s, and signs nothing', async (_, found, why) => {
    node.found.set(simd.length, { ...exported, ...found })
    const { code, stderr } = await here(line)
    expect([code, stderr]).toEqual([1, expect.stringContaining(`error[ERR_VARIANT]: variant simd: ${why}`)])
    expect(node.published).toEqual([])
  })

  it('refuses one that needs less than the component itself, which is for all others', async () => {
    node.found.set(bytes.length, { ...exported, features: ['gc'] })
    expect((await here(line)).stderr).toContain('it does without gc')
  })

  it.each([
    ['simd', 'is not NAME=FILE.wasm'],
    ['SIMD=simd.wasm', 'is not NAME=FILE.wasm'],
    ['simd=', 'is not NAME=FILE.wasm'],
    ['simd=simd.wasm', 'is given twice'],
  ])('refuses --variant %s as wrong usage where it is', async (variant, why) => {
    const { code, stderr } = await here([...line, '--variant', variant])
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)])
  })

  it('names the nodes that cannot run it before it is signed away, and refuses what none can', async () => {
    const one = ['publish', 'simd.wasm', '--app', 'vision']
    expect((await here(one)).stderr).toContain('fits: 2 of 3 nodes; b lacks feature:simd')
    const { code, stderr } = await here([...one, '--need', 'memory:65MiB'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('error[ERR_FITS_NOWHERE]')])
    expect(stderr).toMatch(/a and c lack memory:65MiB\n {2}b lacks feature:simd, memory:65MiB/)
    expect(node.published).toHaveLength(1)
  })
})

describe('publish of a bare component', () => {
  it('signs exactly what was typed and what the node said', async () => {
    const line = ['publish', wasm, '--grant', 'sensor:light', '--trigger', 'sensor:light:200ms']
    const { code, stderr } = await here([...line, '--group', 'lobby', '--config', 'threshold=40=x'])
    expect({ code, error: stderr.includes('error[') }).toEqual({ code: 0, error: false })
    expect(published()).toEqual({
      features: [],
      imports: [],
      v: 1,
      mesh: node.meshId,
      app: 'light-alarm',
      seq: 1,
      version: '0.0.1',
      component: componentRef(bytes).ref,
      grants: ['sensor:light'],
      triggers: [{ kind: 'sensor', sensor: 'light', everyMs: 200 }],
      config: { threshold: '40=x' },
      limits: expect.objectContaining({ deadlineMs: expect.any(Number) as number }) as object,
      groups: ['lobby'],
      previous: null,
      signedAt: sampleNow,
      critical: [],
    })
    expect(node.uploads[0]?.intent).toMatchObject({
      grants: ['sensor:light'],
      memoryBytes: published().limits.memoryBytes,
    })
  })

  it('is granted nothing unless it is said, and says so before it signs', async () => {
    const { stderr } = await here(['publish', wasm])
    expect(published().grants).toEqual([])
    expect(stderr).toContain('may use: nothing')
    expect(stderr).toContain('goes to: every node')
  })

  it('carries the arguments of its command, and lets no node run it that does not know of them', async () => {
    await here(['publish', wasm, '--arg=--room', '--arg', 'the lobby'])
    expect(published()).toMatchObject({ run: { args: ['--room', 'the lobby'] }, critical: ['run'] })
    const long = await here(['publish', wasm, '--arg', 'x'.repeat(5_000)])
    expect([long.code, long.stderr]).toEqual([2, expect.stringContaining('--arg "xxx')])
  })

  it('is granted the network by host and port, in one spelling', async () => {
    await here(['publish', wasm, '--grant', 'network:tcp:DB.example:5432', '--grant', 'network:listen:80'])
    expect(published().grants).toEqual(['network:tcp-connect:db.example:5432', 'network:tcp-listen:*:80'])
  })

  it('follows the release before, and is loud about new grants', async () => {
    node.head = { ...sampleRelease, grants: ['sensor:light'] }
    const { stderr } = await here([
      'publish',
      wasm,
      '--grant',
      'sensor:light',
      '--grant',
      'pin:led',
      '--version',
      '3.0.0',
    ])
    expect(published()).toMatchObject({ seq: 3, version: '3.0.0', previous: sampleRelease.digest })
    expect(stderr).toContain('NEW: pin:led')
    expect(stderr).not.toContain('NEW: pin:led, sensor')
  })

  it('ends with a receipt', async () => {
    expect((await here(['publish', wasm])).stdout).toMatch(
      /^light-alarm 2\.0\.0 \(seq 2\) is on its way · [\d.]+ s · 12\.4 KB component\n$/,
    )
  })

  it('waits until every node that should run it does', async () => {
    const only = sampleStatus.nodes.slice(0, 2)
    node.report = { ...sampleStatus, nodes: only } satisfies StatusReport
    const { code, stdout, stderr } = await here(['publish', wasm, '--wait', '--group', 'lobby'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^light-alarm 2\.0\.0 on 2\/2 · 12\.4 KB component · [\d.]+ s\n$/)
    expect(stderr).toContain('● lobby-2  running after')
  })

  it('tells a program that does not wait one document', async () => {
    const { stdout } = await here(['publish', wasm, '--json'])
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'selvedge.publish/1',
      app: 'light-alarm',
      seq: 2,
      result: 'published',
      nodes: null,
    })
  })

  it('tells a program that waits each step as an event, and ends with a summary', async () => {
    const only = sampleStatus.nodes.slice(0, 2)
    node.report = { ...sampleStatus, nodes: only } satisfies StatusReport
    const { stdout } = await here(['publish', wasm, '--wait', '--json'])
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { event: string })
    const steps = events.map(({ event }) => event).filter((event) => !event.startsWith('node-'))
    expect(steps).toEqual(['uploaded', 'signed', 'accepted', 'summary'])
    expect(events.at(-1)).toMatchObject({
      schema: 'selvedge.publish-event/1',
      app: 'light-alarm',
      seq: 2,
      result: 'running',
      nodes: { running: 2, expected: 2 },
    })
  })

  it('tells a program how a failed rollout ended before the error', async () => {
    const old = sampleStatus.nodes.slice(0, 1).map((one) => ({ ...one, apps: [] }))
    node.report = { ...sampleStatus, nodes: old }
    const { code, stdout, stderr } = await here(['publish', wasm, '--wait', '--json', '--timeout', '0.2'])
    const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as object
    expect(last).toMatchObject({
      event: 'summary',
      result: 'not-in-time',
      nodes: { running: 0, expected: 1, notRunning: [{ node: 'lobby-1', state: 'unaware' }] },
    })
    expect([code, stderr]).toEqual([3, expect.stringContaining('error[ERR_NOT_IN_TIME]')])
  })

  it('a group that nobody is in is refused before anything is uploaded or signed, with the nearest', async () => {
    const { code, stdout, stderr } = await here(['publish', wasm, '--group', 'loby'])
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/error\[ERR_NOBODY_IN_GROUP\].* loby; did you mean lobby\?/)
    expect(stderr).toContain('nothing was published')
    expect(stderr).not.toContain('signs ')
    expect(node.published).toEqual([])
  })

  it('what is not decided in time is exit 3, and says what it waits for', async () => {
    const old = sampleStatus.nodes.slice(0, 1).map((one) => ({ ...one, apps: [] }))
    node.report = { ...sampleStatus, nodes: old }
    const { code, stderr } = await here(['publish', wasm, '--wait', '--timeout', '0.2'])
    expect(code).toBe(3)
    expect(stderr).toContain('error[ERR_NOT_IN_TIME]')
    expect(stderr).toContain('lobby-1: has not heard of it yet')
  })

  it('what a node waits for, and the way out of it, are in the error too', async () => {
    const reason = { code: 'ERR_SENSOR_MISSING', message: 'no sensor "x"', hint: 'add [sensors.x]' }
    const app = { app: 'light-alarm', version: '2.0.0', seq: 2, since: sampleNow, failures: 0, reason }
    const nodes = sampleStatus.nodes
      .slice(0, 1)
      .map((one) => ({ ...one, apps: [{ ...app, state: 'waiting' as const }] }))
    node.report = { ...sampleStatus, nodes }
    // Nobody waits out ten minutes for what only a person can change.
    const { code, stderr } = await here(['publish', wasm, '--wait', '--timeout', '600'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/error\[ERR_NOT_IN_TIME\][^]*waiting for .*: ERR_SENSOR_MISSING: no sensor "x"/)
    expect(stderr).toMatch(/hint: add \[sensors\.x\]\n$/)
  })
})

describe('publish of a folder', () => {
  const manifest =
    '[app]\nname = "blink"\nversion = "1.2.3"\n\n[component]\nfile = "out.wasm"\n\n[grants]\npins = ["led"]\n'

  beforeEach(async () => {
    await writeFile(join(folder, 'selvedge.toml'), manifest)
    await writeFile(join(folder, 'out.wasm'), bytes)
  })

  it('takes everything from the manifest, and the component that is built', async () => {
    const { code } = await here(['publish', '--no-build'])
    expect(code).toBe(0)
    expect(published()).toMatchObject({ app: 'blink', version: '1.2.3', grants: ['pin:led'], groups: [] })
  })

  it('lets version, groups and settings be said anew', async () => {
    await here(['publish', '.', '--no-build', '--version', '2.0.0', '--group', 'garage', '--config', 'a=b'])
    expect(published()).toMatchObject({ version: '2.0.0', groups: ['garage'], config: { a: 'b' } })
  })

  it.each(['--grant', '--trigger', '--app'])('refuses %s, which belongs to the manifest', async (option) => {
    const value = { '--grant': 'pin:x', '--trigger': 'sensor:x', '--app': 'x' }[option] ?? ''
    expect(await here(['publish', '.', '--no-build', option, value])).toMatchObject({ code: 2, stdout: '' })
    expect(node.published).toEqual([])
  })
})

describe('nothing is signed', () => {
  afterEach(() => expect(node.published).toEqual([]))

  it.each([
    [['missing.wasm'], 'ERR_COMPONENT_FILE'],
    [['.'], 'ERR_MANIFEST_MISSING'],
    [['Light Alarm.wasm', '--grant', 'led'], 'ERR_GRANT'],
    [['Light Alarm.wasm', '--version', 'new'], 'ERR_RELEASE_OPTION'],
    [['Light Alarm.wasm', '--config', '=x'], 'ERR_USAGE'],
  ])('for publish %j: %s', async (words, code) => {
    const result = await here(['publish', ...words])
    expect(result.stderr).toContain(`error[${code}]`)
    expect(result.code).toBe(['ERR_USAGE', 'ERR_RELEASE_OPTION'].includes(code) ? 2 : 1)
  })

  it('of an empty file, which is named', async () => {
    await writeFile(wasm, '')
    const { code, stderr } = await here(['publish', wasm])
    expect(code).toBe(1)
    expect(stderr).toContain(`error[ERR_COMPONENT_FILE]: ${wasm} is empty`)
    expect(node.uploads).toEqual([])
  })

  it('without the publisher’s key, and nothing is uploaded', async () => {
    const { code, stderr } = await here(['publish', wasm], { keys: join(folder, 'no-keys') })
    expect(code).toBe(1)
    expect(stderr).toContain('error[ERR_NO_PUBLISHER_KEY]')
    expect(stderr).toContain('SELVEDGE_KEYS')
    expect(node.uploads).toEqual([])
  })

  it('when the node refuses the component', async () => {
    node.upload = () => Promise.reject(new SelvedgeError('ERR_IMPORTS_REFUSED', 'user', 'no', 'grant it'))
    expect((await here(['publish', wasm])).stderr).toContain('error[ERR_IMPORTS_REFUSED]')
  })

  it.each(['digest', 'chunks'] as const)('when the node answers with another %s', async (field) => {
    const upload = node.upload.bind(node)
    const wrong = {
      digest: digestOf(new Uint8Array()),
      chunks: { digest: digestOf(new Uint8Array()), sizeBytes: 1 },
    }
    node.upload = async (component, intent) => ({
      ...(await upload(component, intent)),
      [field]: wrong[field],
    })
    const { code, stderr } = await here(['publish', wasm])
    expect(code).toBe(1)
    expect(stderr).toContain('error[ERR_UPLOAD_MISMATCH]')
  })
})

describe('invite', () => {
  it('prints the token alone, signed by the admin for what was asked', async () => {
    const { code, stdout, stderr } = await here([
      'invite',
      '--group',
      'garage',
      '--name',
      'garage-1',
      '--expires',
      '2h',
    ])
    expect(code).toBe(0)
    const { record } = readInvite(stdout.trim())
    expect(record).toMatchObject({
      mesh: node.meshId,
      groups: ['garage'],
      name: 'garage-1',
      expiresAt: sampleNow + 7_200_000,
      addresses: ['/ip4/127.0.0.1/tcp/4001'],
    })
    expect(stdout.split('\n')).toHaveLength(2)
    expect(stderr).toContain('selvedge up --name garage-1 --group garage --join TOKEN')
    expect(stderr).not.toContain(stdout.trim())
  })

  it('without the admin’s key says where it should be', async () => {
    const { code, stdout, stderr } = await here(['invite'], { keys: join(folder, 'no-keys') })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('error[ERR_NO_ADMIN_KEY]')
  })
})

describe('publish from a build job', () => {
  const seed = new Uint8Array(32).fill(7)
  const line = (): string[] => ['publish', wasm, '--no-input']
  const publisherOf = (at: number): string =>
    Buffer.from(readRelease(node.published[at] ?? new Uint8Array()).publisher).toString('hex')

  it('signs with the key in its environment, or in a file, and not with that of the key folder', async () => {
    const text = encodeDeployKey({ meshId: node.meshId, seed })
    const expected = Buffer.from(keyPairFromSeed(seed).publicKey).toString('hex')
    expect(await here(line(), { env: { SELVEDGE_PUBLISHER_KEY: text } })).toMatchObject({ code: 0 })
    expect(publisherOf(0)).toBe(expected)
    const file = join(folder, 'deploy.key')
    await writeFile(file, text, { mode: 0o600 })
    expect(await here([...line(), '--key', file], { keys: '/nowhere' })).toMatchObject({ code: 0 })
    expect(publisherOf(1)).toBe(expected)
    await here(line())
    expect(publisherOf(2)).not.toBe(expected)
  })

  it('refuses a key of another mesh, and one that was cut, before anything is signed, and shows nothing of it', async () => {
    const other = encodeDeployKey({ meshId: 'ab'.repeat(32), seed })
    const wrong = await here(line(), { env: { SELVEDGE_PUBLISHER_KEY: other } })
    expect(wrong.code).toBe(1)
    expect(wrong.stderr).toContain('error[ERR_PUBLISHER_KEY_MESH]')
    const cut = await here(line(), { env: { SELVEDGE_PUBLISHER_KEY: other.slice(0, -3) } })
    expect(cut.stderr).toContain('error[ERR_KEY_TEXT]')
    for (const { stderr } of [wrong, cut]) expect(stderr).not.toContain(other.slice(20, 40))
    expect(node.published).toEqual([])
  })
})
