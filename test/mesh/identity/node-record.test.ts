import { describe, expect, it } from 'vitest'
import { decodeCbor, encodeCbor, sign1, verify1 } from '../../../core/index.ts'
import {
  compareReports,
  nodeIdOf,
  signNodeRecord,
  verifyNodeRecord,
  type AppReport,
  type NodeReport,
} from '../../../mesh/identity/index.ts'
import { keyNamed, startOfTime } from './harness.ts'

const key = keyNamed('node')
const app: AppReport = {
  app: 'light-alarm',
  version: '1.0.0',
  seq: 1,
  state: 'running',
  since: startOfTime,
  failures: 0,
  transfer: { haveBytes: 1_000, totalBytes: 1_000, fetchedBytes: 0, via: 'disk', ms: 3 },
  next: {
    version: '2.0.0',
    seq: 2,
    state: 'fetching',
    progress: 0.63,
    transfer: {
      haveBytes: 630,
      totalBytes: 1_000,
      fetchedBytes: 200,
      via: 'peers',
      ms: 900,
      bytesPerSecond: 220,
    },
  },
}
const report: NodeReport = {
  v: 1,
  mesh: 'ab'.repeat(32),
  node: key.publicKey,
  name: 'lobby-1',
  boot: 3,
  bootNonce: new Uint8Array(16).fill(5),
  number: 17,
  groups: ['lobby'],
  roles: ['member'],
  arch: 'arm64',
  platform: 'linux',
  runtime: 'node 20.20.2',
  version: '0.1.0',
  features: ['simd'],
  addresses: ['/ip4/10.0.0.7/tcp/4001'],
  devices: [
    { kind: 'sensor', name: 'light', driver: 'simulated' },
    { kind: 'folder', name: 'photos', driver: 'read' },
  ],
  apps: [app],
  issuedAt: startOfTime,
}
const failing = expect.objectContaining({ code: 'ERR_NODE_RECORD' }) as Error

describe('a node record', () => {
  it('holds what fits of more apps and devices than a record takes, with shorter reasons', () => {
    const reason = { code: 'ERR_APP_TRAPPED', message: 'é'.repeat(500), hint: 'ü'.repeat(500) }
    const apps = Array.from({ length: 300 }, (_, index) => ({ ...app, app: `app-${index}`, reason }))
    const devices = Array.from({ length: 300 }, (_, index) => ({
      kind: 'pin' as const,
      name: `${index}`.padEnd(64, 'x'),
      driver: 'd'.repeat(64),
    }))
    const rests = apps.map(({ app: name }) => ({ app: name, seq: 1 }))
    const { report: read } = verifyNodeRecord(signNodeRecord(key, { ...report, devices, apps, rests }))
    expect(read.rests).toHaveLength(128)
    expect(read.devices).toHaveLength(128)
    expect(read.apps.length).toBeGreaterThan(60)
    expect(read.apps[0]?.reason?.code).toBe('ERR_APP_TRAPPED')
    expect(read.apps.filter(({ next }) => next?.transfer !== undefined)).toHaveLength(16)
  })

  it('says what the node said, and who that is', () => {
    const record = verifyNodeRecord(signNodeRecord(key, report), { mesh: report.mesh })
    expect(record.report).toEqual(report)
    expect(record.node).toBe(nodeIdOf(key.publicKey))
  })

  it('keeps kinds of devices that came later apart, and passes over those that it does not know', () => {
    const devices = [
      { kind: 'pin', name: 'led', driver: 'sysfs' },
      { kind: 'i2c', name: 'bus', driver: 'i2c-dev' },
    ] as const
    const bytes = signNodeRecord(key, { ...report, devices })
    expect(verifyNodeRecord(bytes).report.devices).toEqual(devices)
    // Versions of before refuse a record with another kind among these, and look at nothing else.
    const { payload } = verify1(bytes, { purpose: 'node-record', maxBytes: 65_536 })
    const raw = decodeCbor(payload, { maxBytes: 65_536, maxItems: 10_000 }) as { devices: unknown[] }
    expect(raw.devices).toEqual([devices[0]])
    const later = { ...report, devices: [...devices, { kind: 'radio', name: 'x', driver: 'y' }] }
    const fromLater = sign1({ purpose: 'node-record', payload: encodeCbor(later), key })
    expect(verifyNodeRecord(fromLater).report.devices).toEqual(devices)
  })

  it('is refused when altered by one byte, at any position', () => {
    const bytes = signNodeRecord(key, report)
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice()
      altered[at] = (bytes[at] ?? 0) ^ 2
      expect(() => verifyNodeRecord(altered), `byte ${at}`).toThrow(failing)
    }
  })

  it('is refused from another mesh, in the name of another node, and signed for another purpose', () => {
    const bytes = signNodeRecord(key, report)
    expect(() => verifyNodeRecord(bytes, { mesh: 'cd'.repeat(32) })).toThrow(failing)
    expect(() => verifyNodeRecord(signNodeRecord(keyNamed('liar'), report))).toThrow('speaks for')
    const receipt = sign1({ purpose: 'receipt', payload: encodeCbor(report), key })
    expect(() => verifyNodeRecord(receipt)).toThrow(failing)
  })

  it.each<[string, object]>([
    ['a state nobody knows', { apps: [{ ...app, state: 'dancing' }] }],
    ['a progress above one', { apps: [{ ...app, next: { ...app.next, progress: 2 } }] }],
    ['a name that redraws a terminal', { runtime: '\u001b[2J' }],
    ['a boot that is no whole number', { boot: 0.5 }],
    ['more than 64 KiB', { note: 'x'.repeat(65_536) }],
  ])('is not signed with %s', (_, changes) => {
    expect(() => signNodeRecord(key, { ...report, ...changes })).toThrow(failing)
  })

  it('is taken with what a newer node adds about its machine and its apps, and keeps it', () => {
    const newer = {
      features: ['quantum', 'simd'],
      machine: {
        bits: 128,
        endianness: 'middle',
        tier: 7,
        appMemoryBytes: 1,
        cores: 3,
        gpu: { kind: 'none' },
      },
      apps: [{ ...app, variant: 'simd', mood: 'good' }],
    }
    const read = verifyNodeRecord(signNodeRecord(key, { ...report, ...newer } as NodeReport)).report
    expect(read).toMatchObject(newer)
  })

  it.each([
    ['a word size that is no number', { bits: '64' }],
    ['memory below zero', { appMemoryBytes: -1 }],
    ['a byte order of a thousand letters', { endianness: 'x'.repeat(1_000) }],
  ])('is not signed with %s', (_, machine) => {
    expect(() => signNodeRecord(key, { ...report, machine } as unknown as NodeReport)).toThrow(failing)
  })

  it('cuts the text of long problems and takes the line breaks out', () => {
    const reason = { code: 'ERR_APP_TRAP', message: `one\ntwo ${'🙂'.repeat(200)}`, hint: '\ud83d' }
    const signed = signNodeRecord(key, { ...report, apps: [{ ...app, reason }] })
    const [read] = verifyNodeRecord(signed).report.apps
    expect(read?.reason?.message).toMatch(/^one two (🙂)+…$/u)
    expect(read?.reason?.message.length).toBeLessThanOrEqual(240)
    expect(read?.reason?.hint).toBe('\ufffd')
  })

  it('is newer than every record of an earlier boot, then by number', () => {
    expect(compareReports({ ...report, boot: 4, number: 1 }, report)).toBeGreaterThan(0)
    expect(compareReports({ ...report, number: 16 }, report)).toBeLessThan(0)
    expect(compareReports(report, { ...report })).toBe(0)
  })
})
