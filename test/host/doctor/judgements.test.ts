import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../core/index.ts'
import { judgeClock } from '../../../host/doctor/checks/clock.ts'
import { judgeOwner, judgeWrite } from '../../../host/doctor/checks/data.ts'
import { judgeDevice } from '../../../host/doctor/checks/devices.ts'
import { judgeDisk } from '../../../host/doctor/checks/disk.ts'
import { fitCheck, judgeMachine, judgeUnfit } from '../../../host/doctor/checks/fit.ts'
import { judgePeers } from '../../../host/doctor/checks/peers.ts'
import { placeOf } from '../../../host/doctor/checks/ports.ts'
import { judgeMemory, judgeOpenFiles, judgeVersion } from '../../../host/doctor/checks/runtime.ts'
import { knownFeatures } from '../../../host/engine/index.ts'
import { sampleStatus } from '../api/sample-status.ts'

describe('a machine whose node does not run', () => {
  it('lacks what the owner of the node keeps from apps', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-doctor-'))
    try {
      const config = join(folder, 'node.toml')
      await writeFile(config, '[engine]\nwithout = ["bulk-memory"]\n')
      const patient = { data: folder, keys: folder, config, node: null, clock: systemClock }
      const [finding] = await fitCheck.run({ ...patient, signal: new AbortController().signal })
      expect(finding?.what).toMatch(/WebAssembly without .*bulk-memory/)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})

describe('the clock', () => {
  const now = Date.UTC(2026, 10, 22, 1, 2, 3)

  it('is wrong where it was never set, or is decades ahead', () => {
    expect(judgeClock(5_000, null)).toMatchObject({ level: 'wrong', code: 'ERR_DOCTOR_CLOCK' })
    expect(judgeClock(5_000, null).what).toBe('the clock was never set: it says 1970-01-01 00:00:05 UTC')
    expect(judgeClock(Date.UTC(2135, 0, 1), null).level).toBe('wrong')
  })

  it('is wrong where it stands before what the node has written, but a day is let pass', () => {
    expect(judgeClock(now, now + 2 * 86_400_000)).toMatchObject({
      level: 'wrong',
      what: 'the clock says 2026-11-22 01:02:03 UTC, and this node has a file that was written on 2026-11-24',
    })
    expect(judgeClock(now, now + 3_600_000).level).toBe('fine')
  })
})

describe('the machine', () => {
  it.each([
    ['18.19.1', 'wrong'],
    ['16.20.2', 'wrong'],
    ['18.20.8', 'fine'],
    ['20.0.0', 'fine'],
    ['24.21.0', 'fine'],
  ])('with Node.js %s is %s', (version, level) => {
    expect(judgeVersion(version, ['simd']).level).toBe(level)
  })

  it('with little memory left is noted, and without /proc its whole memory is said', () => {
    expect(judgeMemory('MemTotal: 512000 kB\nMemAvailable:   51200 kB\n', 512e6)).toMatchObject({
      level: 'note',
      what: '52 MB of 512 MB of memory are free',
    })
    expect(judgeMemory(null, 512e6)).toEqual({ level: 'fine', what: '512 MB of memory' })
  })

  it('with few files to open is noted', () => {
    expect(
      judgeOpenFiles('Max open files            256                  4096                 files'),
    ).toMatchObject([{ level: 'note' }])
    expect(
      judgeOpenFiles('Max open files            1024                 4096                 files'),
    ).toEqual([])
    expect(judgeOpenFiles(null)).toEqual([])
  })
})

describe('what the machine can run', () => {
  const machine = { bits: 32, tier: 3, memoryBytes: 512 * 1024 ** 2, appMemoryBytes: 128 * 1024 ** 2 }

  it('is its tier, its features and what an app may have, in numbers', () => {
    const features = knownFeatures.filter((feature) => feature !== 'simd' && feature !== 'tail-call')
    const [found] = judgeMachine({ arch: 'arm', platform: 'linux', features, machine })
    expect(found).toEqual({
      level: 'fine',
      what:
        'arm, 32 bits; tier 3: the mesh and small components of WASI 0.2, without SIMD; ' +
        'an app may have 128 of 512 MiB; WebAssembly without simd, tail-call',
    })
  })

  it('names the apps that are not run here, and what they wait for', () => {
    const status = sampleStatus
    const placement = { app: 'vision', version: '2.0.0', seq: 2, nodes: [], instance: null, why: '' }
    const self = status.self.id
    const placements = [
      { ...placement, unfit: [{ node: self, lacks: ['feature:simd'] }] },
      { ...placement, app: 'elsewhere', unfit: [{ node: 'another', lacks: ['feature:gc'] }] },
    ]
    expect(judgeUnfit({ status: { ...status, placements } })).toEqual([
      {
        level: 'note',
        what: 'vision 2.0.0 is not run here: this machine lacks feature:simd',
        fix: expect.stringContaining('variant without it') as string,
      },
    ])
  })
})

describe('the data folder', () => {
  it('of somebody else, or that others may read, is wrong, with the command that mends it', () => {
    expect(judgeOwner('/d', { mode: 0o40700, owner: 1_000 }, 1_000)).toEqual([])
    expect(judgeOwner('/d', { mode: 0o40750, owner: 1_001 }, 1_000)).toMatchObject([
      { what: '/d belongs to user 1001, and this is user 1000', fix: expect.stringContaining('chown -R') },
      { what: '/d can be read by others (mode 750), and keys are in it', fix: 'chmod 700 /d' },
    ])
    expect(judgeOwner('/d', { mode: 0o40700, owner: 1_001 }, 0)).toEqual([])
    expect(judgeOwner('/d', { mode: 0o40777, owner: 0 }, null)).toEqual([])
  })

  it.each([
    ['EROFS', 'mounted read-only'],
    ['ENOSPC', 'it is full'],
    ['EACCES', 'may not write'],
    ['EIO', 'failed'],
  ])('that answers a write with %s is said to be so', (code, words) => {
    const found = judgeWrite('/d', Object.assign(new Error('no'), { code }))
    expect(found).toMatchObject({ level: 'wrong', code: 'ERR_DOCTOR_DATA' })
    expect(found.what).toContain(words)
  })
})

describe('the disk', () => {
  const roomy = { freeBytes: 40e9, totalBytes: 60e9, freeInodes: 1e6, totalInodes: 2e6 }

  it('with room is fine, and so is a small one that is half empty', () => {
    expect(judgeDisk(roomy)).toEqual({ level: 'fine', what: '40.0 GB of 60.0 GB are free' })
    expect(judgeDisk({ ...roomy, freeBytes: 60e6, totalBytes: 100e6 }).level).toBe('fine')
  })

  it('that is nearly full, or has no inodes left, is wrong', () => {
    expect(judgeDisk({ ...roomy, freeBytes: 50e6 }).level).toBe('wrong')
    expect(judgeDisk({ ...roomy, freeBytes: 1e9 }).level).toBe('wrong')
    expect(judgeDisk({ ...roomy, freeInodes: 10 }).what).toContain('inodes')
    expect(judgeDisk({ ...roomy, freeInodes: 0, totalInodes: 0 }).level).toBe('fine')
  })
})

describe('an address', () => {
  it('is a place to connect to, unless it leads through another node', () => {
    expect(placeOf('/ip4/10.0.0.7/tcp/4001/p2p/12D3KooWA')).toEqual({ host: '10.0.0.7', port: 4001 })
    expect(placeOf('/ip6/::1/tcp/4001')).toEqual({ host: '::1', port: 4001 })
    expect(placeOf('/ip4/10.0.0.7/tcp/4001/p2p/12D3KooWA/p2p-circuit/p2p/12D3KooWB')).toBeNull()
    expect(placeOf('/unix/tmp/socket')).toBeNull()
  })
})

describe('peers', () => {
  const [self, ...others] = sampleStatus.nodes
  const alive = others.map((node) => ({ ...node, state: 'alive' as const }))

  it('are fine where all are alive, or have left, or there are none', () => {
    expect(judgePeers([], self)).toMatchObject([{ level: 'fine' }])
    expect(judgePeers(alive, self)).toMatchObject([{ level: 'fine' }])
    expect(
      judgePeers(
        alive.map((node) => ({ ...node, state: 'left' as const })),
        self,
      )[0]?.level,
    ).toBe('fine')
  })

  it('that are dead are noted by name, and are wrong where it reaches nobody', () => {
    const [first, ...rest] = alive
    if (first === undefined || rest.length === 0) throw new Error('the sample has too few nodes')
    const noted = judgePeers([{ ...first, state: 'dead' }, ...rest], self)
    expect(noted).toMatchObject([{ level: 'note', what: expect.stringContaining(`${first.name} dead`) }])
    const cut = alive.map((node) => ({ ...node, state: 'cut-off' as const }))
    expect(judgePeers(cut, self)).toMatchObject([{ level: 'wrong', code: 'ERR_DOCTOR_PEERS' }])
  })
})

it('a device that is not well is wrong, with its own words', () => {
  const device = {
    kind: 'sensor',
    name: 'light',
    driver: 'bh1750',
    state: 'missing',
    why: 'there is no /dev/i2c-1',
  } as const
  expect(judgeDevice(device).what).toBe('sensor light (bh1750) is missing: there is no /dev/i2c-1')
  expect(judgeDevice({ ...device, state: 'ok', why: '' }).level).toBe('fine')
})
