import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../core/index.ts'
import type { Devices } from '../../../host/devices/index.ts'
import { NodeControl, type ControlParts } from '../../../host/node/control.ts'
import {
  readRelease,
  type BlobUsage,
  type Halt,
  type HistoryEntry,
  type MemberView,
} from '../../../mesh/index.ts'
import { signRelease } from '../../../mesh/releases/index.ts'
import { FakeClock } from '../fake-clock.ts'
import { sampleMessages } from '../api/sample-messages.ts'
import { keyNamed } from '../../mesh/identity/harness.ts'
import { releaseRecord } from '../../mesh/releases/harness.ts'
import { alive, appStatus, devices, heard, member, pin, sensor } from './parts.ts'

const meshId = 'ab'.repeat(32)
const publisher = keyNamed('publisher')

interface World {
  readonly members?: readonly MemberView[]
  readonly devices?: Devices
  readonly history?: readonly HistoryEntry[]
  readonly halt?: Halt
  /** Calls under way by node and app, as told. */
  readonly loads?: Readonly<Record<string, Record<string, number>>>
  readonly usage?: () => Promise<BlobUsage>
  /** Digests of the components on the disk. */
  readonly components?: readonly string[]
}

function control(world: World = {}): { node: NodeControl; clock: FakeClock; published: Uint8Array[] } {
  const clock = new FakeClock()
  const published: Uint8Array[] = []
  const history = world.history ?? []
  const memory = { budgetBytes: 2, from: 'machine', limitBytes: 4, shares: { apps: 1 }, apps: [] }
  const parts = {
    clock,
    log: silentLog,
    brokers: { all: () => [] },
    bridges: { reports: () => [] },
    devices: world.devices ?? devices([], []),
    replicas: { report: () => [] },
    messages: { messaging: { figures: () => sampleMessages } },
    signs: { heartbeat: () => null, problems: () => [] },
    placement: { status: () => [], of: () => null },
    history: { of: () => [] },
    pauses: { last: () => null },
    memory: () => memory,
    journal: { problem: null },
    diskRoom: { look: async () => {}, problems: () => [] },
    writeMeter: { writes: async () => ({ totalBytes: 0, bytes: 0, overMs: 0 }) },
    router: {
      departures: () => [],
      loadOf: (node: string) => new Map(Object.entries(world.loads?.[node] ?? {})),
      ingressOf: () => null,
      invoke: () => Promise.reject(new Error('nobody is there')),
    },
    fixOf: (code: string) => `fix ${code}`,
    apps: { status: () => [appStatus({ version: '2.0.0' })], local: () => [], transferOf: () => null },
    mesh: {
      self: 'id-lobby-1',
      isOnline: true,
      gateways: { isReachable: null, places: [], serving: null, problem: null },
      alarms: [],
      attacks: {
        sightings: () => [{ attack: 'wrong-bytes', peer: 'id-lobby-1', count: 2, lastMs: 0, detail: 'x' }],
      },
      audit: null,
      addresses: () => ['/ip4/10.0.0.7/tcp/4001/p2p/x'],
      members: () => world.members ?? [member('lobby-1')],
      trust: {
        meshId,
        current: { record: { name: 'harbor', version: 3, roots: [new Uint8Array([0xab, 0x01])] } },
      },
      releases: {
        heads: () => history.filter(({ role }) => role === 'head'),
        history: (app: string) => history.filter(({ record }) => record.app === app),
        halted: () => world.halt ?? null,
      },
      blobs: {
        usage: world.usage ?? (async () => ({ usedBytes: 1, quotaBytes: Infinity, evictedBytes: 0 })),
        readComponent: async ({ digest }: { digest: string }) =>
          (world.components ?? []).includes(digest) ? new Uint8Array() : null,
      },
      async publish(bytes: Uint8Array) {
        published.push(bytes)
        return { ...readRelease(bytes), outcome: 'accepted' }
      },
    },
  } as unknown as ControlParts
  return { node: new NodeControl(parts), clock, published }
}

const entry = (role: HistoryEntry['role'], seq: number): HistoryEntry => {
  const bytes = signRelease(publisher, releaseRecord(meshId, { seq }))
  return { ...readRelease(bytes), receivedAt: seq, role }
}

describe('status', () => {
  it('shows this node’s own apps first-hand, and the others’ as their records tell', async () => {
    const told = heard({ apps: [appStatus({ version: '1.0.0' })] }, 0)
    const members = [member('lobby-1', { held: told }), member('garage-1', { held: told })]
    const { nodes, self, mesh } = await control({ members }).node.status()
    expect(nodes.map(({ apps, recordAgeMs }) => [apps[0]?.version, recordAgeMs])).toEqual([
      ['2.0.0', null],
      ['1.0.0', 0],
    ])
    expect(self).toMatchObject({ id: 'id-lobby-1', name: 'lobby-1', network: 'on' })
    expect(mesh).toEqual({ id: meshId, name: 'harbor', trustVersion: 3 })
  })

  it('says what to do when this very node is cut off', async () => {
    const opinion = { ...alive, verdict: 'isolated' as const, why: 'its network is switched off' }
    const { problems } = await control({ members: [member('lobby-1', { opinion })] }).node.status()
    expect(problems).toEqual([
      {
        code: 'ERR_NODE_ISOLATED',
        message: 'lobby-1 is isolated: its network is switched off',
        hint: 'fix ERR_NODE_ISOLATED',
      },
    ])
  })
})

it('what nodes say that they have to do is part of the status, and nothing of those that say nothing', async () => {
  const loads = { 'id-lobby-1': { shop: 8 } }
  const { nodes } = await control({ members: [member('lobby-1'), member('lobby-2')], loads }).node.status()
  expect(nodes.map(({ load }) => load)).toEqual([{ shop: 8 }, undefined])
})

describe('what components take of the disk', () => {
  const usage = { usedBytes: 7, quotaBytes: 70, evictedBytes: 3 }

  it('is part of the status; no quota is no number', async () => {
    expect((await control({ usage: async () => usage }).node.status()).components).toEqual(usage)
    expect((await control().node.status()).components).toMatchObject({ quotaBytes: null })
  })

  it('holds nobody up while it is being counted, nor where the disk fails', async () => {
    const { node, clock } = control({ usage: () => new Promise(() => {}) })
    const asked = node.status()
    await clock.advance(1_000)
    expect((await asked).components).toBeNull()
    const failing = control({ usage: () => Promise.reject(new Error('EIO')) })
    expect((await failing.node.status()).components).toBeNull()
  })
})

describe('devices', () => {
  it('are all shown, also beside sensors and pins that fail or never answer', async () => {
    const { node, clock } = control({
      devices: devices(
        [
          sensor('light', async () => ({ value: 312, timeMs: 5, unit: 'lx' })),
          sensor('broken', () => Promise.reject(new Error('no such file'))),
          sensor('deaf', () => new Promise(() => {})),
        ],
        [
          pin('led', async () => true),
          pin('loose', () => Promise.reject(new Error('no such line'))),
          pin('stuck', () => new Promise(() => {})),
        ],
      ),
    })
    const asked = node.devices()
    await clock.advance(2_000)
    const report = await asked
    expect(report.sensors).toMatchObject([
      { name: 'light', value: 312, timeMs: 5 },
      { name: 'broken', value: null, timeMs: null, problem: 'no such file' },
      { name: 'deaf', value: null, problem: 'no answer in 2000 ms' },
    ])
    expect(report.pins).toMatchObject([
      { name: 'led', level: true },
      { name: 'loose', level: false, problem: 'no such line' },
      { name: 'stuck', level: false, problem: 'no answer in 2000 ms' },
    ])
    expect(report.pins[0]).not.toHaveProperty('problem')
  })
})

describe('publishing', () => {
  it('starts at sequence number 1, and goes on behind the head', () => {
    expect(control().node.publishContext('light-alarm')).toMatchObject({
      nextSeq: 1,
      previous: null,
      head: null,
    })
    const head = entry('head', 7)
    const { node } = control({ history: [entry('fork', 7), head, entry('past', 6)] })
    expect(node.publishContext('light-alarm')).toMatchObject({ nextSeq: 8, previous: head.digest })
  })

  it('refuses a record whose component was not handed over, and passes nothing on', async () => {
    const { node, published } = control()
    const record = signRelease(publisher, releaseRecord(meshId))
    await expect(node.publish(record)).rejects.toMatchObject({ code: 'ERR_PUBLISH_COMPONENT' })
    expect(published).toEqual([])
  })

  it('answers with the release as it now stands here', async () => {
    const head = entry('head', 1)
    const { node, published } = control({ history: [head], components: ['c0'.repeat(32)] })
    await expect(node.publish(head.bytes)).resolves.toMatchObject({
      seq: 1,
      role: 'head',
      digest: head.digest,
    })
    expect(published).toEqual([head.bytes])
  })

  it('refuses an upload whose grants nobody offers before it looks at the bytes', async () => {
    const { node } = control()
    const intent = { grants: ['rocket:launch'], triggers: [], memoryBytes: null }
    await expect(node.upload(new Uint8Array(), intent)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_/),
    })
  })
})

it('releases are those of one app, or of all that have a head', () => {
  const { node } = control({ history: [entry('head', 2), entry('past', 1)] })
  expect(node.releases(null).map(({ seq }) => seq)).toEqual([2, 1])
  expect(node.releases('uplink')).toEqual([])
})

it('a release that was revoked says so, and why', () => {
  const halt: Halt = { code: 'ERR_RELEASE_REVOKED', reason: 'stolen', of: 'publisher' }
  const { node } = control({ history: [entry('head', 2), entry('past', 1)], halt })
  expect(node.releases(null).map(({ halted }) => halted)).toEqual([
    { of: 'publisher', reason: 'stolen' },
    undefined,
  ])
})

it('tells of attacks by the name of the member they came from', async () => {
  expect((await control().node.status()).attacks).toEqual([
    { attack: 'wrong-bytes', peer: 'id-lobby-1', name: 'lobby-1', count: 2, lastAgoMs: 0, detail: 'x' },
  ])
})

it('an invite needs the mesh, its roots in hexadecimal, and where this node is', () => {
  expect(control().node.inviteContext()).toEqual({
    mesh: meshId,
    meshName: 'harbor',
    roots: ['ab01'],
    addresses: ['/ip4/10.0.0.7/tcp/4001/p2p/x'],
  })
})
