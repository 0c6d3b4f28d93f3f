/** The commands about trust and keys against a real mesh of one node, over a real control socket. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openFolder, silentLog, systemClock, systemRandom } from '../../../core/index.ts'
import { acquireDataLock, ControlServer, type DataLock } from '../../../host/api/index.ts'
import { auditLines } from '../../../host/node/audit-lines.ts'
import { heartbeatStatus } from '../../../host/node/heartbeat-status.ts'
import { releaseEntry } from '../../../host/node/report.ts'
import { keyFacts, trustReport } from '../../../host/node/trust-report.ts'
import {
  digestOfHeads,
  foundMesh,
  openKeyRing,
  openMesh,
  openNodeIdentity,
  readDeployKey,
  signRelease,
  type Mesh,
} from '../../../mesh/index.ts'
import { FakeNode } from '../api/fake-node.ts'
import { sampleAudit, sampleNow, sampleTrust } from '../api/sample-status.ts'
import { releaseRecord } from '../../mesh/releases/harness.ts'
import { run, type RunOptions } from './fake-world.ts'

/** Trust as the composed node has it, nothing else. */
function trusting(mesh: Mesh): FakeNode {
  const node = new FakeNode()
  const heartbeat = () =>
    heartbeatStatus({
      last: mesh.heartbeats.last(),
      trustVersion: mesh.trust.current?.record.version ?? 0,
      releases: digestOfHeads(mesh.releases.heads()),
      releasesSinceMs: 0,
      nowMs: systemClock.monotonicMs(),
    })
  return Object.assign(node, {
    audit: auditLines(mesh.audit),
    trust: async () => trustReport(mesh, heartbeat(), systemClock.monotonicMs()),
    trustKey: async (key: Uint8Array) => keyFacts(mesh, key),
    releases: async (app: string) => mesh.releases.history(app).map(releaseEntry),
    changeTrust: async (bytes: Uint8Array) => {
      const { outcome, bundle } = await mesh.operator.changeTrust(bytes)
      return { outcome, digest: bundle.digest }
    },
    revoke: async (bytes: Uint8Array) => {
      const { outcome, revocation } = await mesh.operator.revoke(bytes)
      return { outcome, digest: revocation.digest }
    },
    beat: async (bytes: Uint8Array) => {
      const { outcome, heartbeat: beat } = await mesh.operator.beat(bytes)
      return { outcome, digest: beat.digest }
    },
  })
}

let folder: string
let keys: string
let mesh: Mesh
let lock: DataLock
let server: ControlServer

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-trust-'))
  keys = join(folder, 'keys')
  const data = await openFolder(join(folder, 'data'))
  const identity = await openNodeIdentity(await data.folder('identity'), systemRandom)
  const seams = { clock: systemClock, random: systemRandom }
  await foundMesh({
    ...seams,
    folder: data,
    identity,
    name: 'lobby-1',
    groups: [],
    meshName: 'harbor',
    keyRing: openKeyRing(keys),
  })
  mesh = await openMesh({
    ...seams,
    folder: data,
    identity,
    listen: [],
    announce: [],
    mdns: false,
    offline: true,
    log: silentLog,
    describe: () => ({
      arch: 'x64',
      platform: 'linux',
      runtime: 'node',
      version: '0.0.0',
      features: [],
      devices: [],
      apps: [],
    }),
  })
  await mesh.start()
  lock = await acquireDataLock(join(folder, 'data'))
  server = new ControlServer({ node: trusting(mesh), lock, clock: systemClock, log: silentLog })
  await server.start()
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await mesh.stop()
  await rm(folder, { recursive: true, force: true })
})

const here = (line: string | readonly string[], options: RunOptions = {}): ReturnType<typeof run> =>
  run(line, { data: join(folder, 'data'), keys, cwd: folder, ...options })

async function done(line: string | readonly string[], options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await here(line, options)
  expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

const hexOf = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')
const record = () => mesh.trust.current?.record
const publisher = () => openKeyRing(keys).get(mesh.trust.meshId, 'publisher')

describe('trust add-publisher', () => {
  const line = ['trust', 'add-publisher', 'ci', '--new', '--apps', 'light-*', '--grants', 'sensor:*']

  it('shows what changes, asks, and does nothing on no', async () => {
    const asked: string[] = []
    const { code, stdout, stderr } = await here(line, {
      ask: async (question) => (asked.push(question), 'n'),
    })
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/\+ publisher [0-9a-f]{64}\n {6}apps light-\*, grants sensor:\*/)
    expect(stderr).toContain('error[ERR_NOT_CONFIRMED]')
    expect(asked).toEqual(['sign with 1 root key? [y/N] '])
    expect(record()?.version).toBe(1)
  })

  it('keeps the new key, signs the next version, and says how many nodes know it', async () => {
    expect(await done(line, { ask: async () => 'y' })).toBe('trust version 2 is known to 1 of 1 node\n')
    const ci = await openKeyRing(keys).get(mesh.trust.meshId, 'publisher', 'ci')
    expect(record()?.publishers[1]).toEqual({ key: ci.publicKey, apps: ['light-*'], grants: ['sensor:*'] })
  })

  it('without anybody to ask signs nothing, and makes no key, unless it is told to', async () => {
    const { code, stderr } = await here(line)
    expect(code).toBe(1)
    expect(stderr).toContain('nobody was there to say yes')
    expect(record()?.version).toBe(1)
    expect((await openKeyRing(keys).keys(mesh.trust.meshId)).map(({ label }) => label)).not.toContain('ci')
    await done([...line, '--yes'])
    expect(record()?.version).toBe(2)
  })

  it('prints a deploy key once, and keeps it nowhere', async () => {
    const out = await done(['trust', 'add-publisher', 'ci', '--deploy', '--apps', 'light-*', '--yes'])
    const { meshId, key } = readDeployKey(out)
    expect(meshId).toBe(mesh.trust.meshId)
    expect(record()?.publishers.some((entry) => hexOf(entry.key) === hexOf(key.publicKey))).toBe(true)
    expect((await openKeyRing(keys).keys(meshId)).map(({ label }) => label)).not.toContain('ci')
  })

  it('prints a deploy key within one document of JSON where that is asked for', async () => {
    const { code, stdout } = await here('trust add-publisher ci --deploy --apps light-* --yes --json')
    expect(code).toBe(0)
    const answer = JSON.parse(stdout) as { deployKey: string }
    expect(answer).toMatchObject({ schema: 'selvedge.trust-change/1', version: 2 })
    const { key } = readDeployKey(answer.deployKey)
    expect(record()?.publishers.some((entry) => hexOf(entry.key) === hexOf(key.publicKey))).toBe(true)
  })

  it('says 2 for a wrong use', async () => {
    for (const wrong of [
      'trust add-publisher ci --new',
      'trust add-publisher ci --apps x',
      'trust add-publisher',
    ])
      expect((await here(wrong)).code).toBe(2)
  })
})

describe('several roots', () => {
  it('sign one after the other, through a file', async () => {
    await done('trust add-root --new --label safe --yes')
    await done('trust threshold 2 --yes')
    expect(record()).toMatchObject({ version: 3, threshold: 2 })
    // The second root is elsewhere.
    const safe = join(keys, mesh.trust.meshId.slice(0, 16), 'root.safe.key')
    const file = await readFile(safe)
    await rm(safe)
    const first = await here('trust add-admin --new --label second --yes --json')
    expect(first.code).toBe(0)
    expect(JSON.parse(first.stdout)).toMatchObject({
      schema: 'selvedge.trust-change/1',
      outcome: 'proposed',
      given: 1,
      needed: 2,
      file: join(folder, 'trust-4.proposal'),
    })
    expect(record()?.version).toBe(3)
    await writeFile(safe, file, { mode: 0o600 })
    expect(await done('trust sign trust-4.proposal --yes')).toBe('trust version 4 is known to 1 of 1 node\n')
    expect(record()?.admins.length).toBe(2)
    const stale = await here('trust sign trust-4.proposal --yes')
    expect(stale.code).toBe(1)
    expect(stale.stderr).toContain('ERR_TRUST_PROPOSAL')
  })

  /** Two must sign, and the second root is elsewhere. @returns runs as the one who has it */
  async function apart(): Promise<(line: string) => Promise<string>> {
    await done('trust add-root --new --label safe --yes')
    await done('trust threshold 2 --yes')
    const [mine, elsewhere] = [keys, join(folder, 'other-keys')]
    const name = join(mesh.trust.meshId.slice(0, 16), 'root.safe.key')
    await mkdir(join(elsewhere, dirname(name)), { recursive: true })
    await writeFile(join(elsewhere, name), await readFile(join(mine, name)), { mode: 0o600 })
    await rm(join(mine, name))
    return (line) => done(line, { keys: elsewhere })
  }

  it('remove a publisher by two proposals, both named in one document, and nothing counts before both signed', async () => {
    const elsewhere = await apart()
    const key = hexOf((await publisher()).publicKey)
    const proposed = JSON.parse(await done(`trust remove publisher ${key} --yes --json`)) as {
      file: string
      revocation: { file: string }
    }
    expect(proposed).toMatchObject({
      outcome: 'proposed',
      given: 1,
      needed: 2,
      file: join(folder, 'trust-4.proposal'),
      revocation: { file: join(folder, `revocation-${key.slice(0, 16)}.proposal`) },
    })
    expect(record()?.version).toBe(3)
    expect(mesh.trust.revocations.all()).toEqual([])
    await elsewhere(`trust sign ${proposed.revocation.file} --yes`)
    expect(mesh.trust.revocations.all().length).toBe(1)
    await elsewhere(`trust sign ${proposed.file} --yes`)
    expect(record()?.publishers).toEqual([])
  })

  it('are told in a line where a proposal cannot be written', async () => {
    await apart()
    const { code, stderr } = await here('trust add-admin --new --label one --yes --out /nowhere/at/all')
    expect(code).toBe(1)
    expect(stderr).toContain('error[ERR_PROPOSAL_OUT]: /nowhere/at/all cannot be written')
  })

  it('find each proposal where it was written, and no later one in its place', async () => {
    await apart()
    const files = []
    for (const label of ['one', 'two', 'three']) {
      files.push((await done(`trust add-admin --new --label ${label} --yes`)).trim())
    }
    const names = ['trust-4.proposal', 'trust-4-2.proposal', 'trust-4-3.proposal']
    expect(files).toEqual(names.map((name) => join(folder, name)))
    expect(new Set(await Promise.all(files.map((file) => readFile(file, 'hex')))).size).toBe(3)
  })

  it('that must sign for a deploy key leave its line alone on standard output', async () => {
    const elsewhere = await apart()
    const { stdout, stderr } = await here('trust add-publisher ci --deploy --apps light-* --yes')
    expect(stdout.trimEnd().split('\n').length).toBe(1)
    const { key } = readDeployKey(stdout)
    expect(stderr).toContain(`run: selvedge trust sign ${join(folder, 'trust-4.proposal')}`)
    await elsewhere(`trust sign ${join(folder, 'trust-4.proposal')} --yes`)
    expect(record()?.publishers.map((entry) => hexOf(entry.key))).toContain(hexOf(key.publicKey))
  })

  it('cannot be locked out', async () => {
    const [root = ''] = record()?.roots.map(hexOf) ?? []
    const [admin = ''] = record()?.admins.map(hexOf) ?? []
    for (const line of [
      'trust threshold 2 --yes',
      `trust remove root ${root} --yes`,
      `trust remove admin ${admin} --yes`,
    ]) {
      const { code, stderr } = await here(line)
      expect(code).toBe(1)
      expect(stderr).toContain('error[ERR_TRUST_LOCKOUT]')
    }
    expect(record()?.version).toBe(1)
    expect(mesh.trust.revocations.all()).toEqual([])
  })

  it('are replaced, and the old key is named for destruction', async () => {
    const [old = ''] = record()?.roots.map(hexOf) ?? []
    const { code, stderr } = await here('trust rotate-root --yes')
    expect(code).toBe(0)
    expect(stderr).toContain(`destroy the old key: ${join(keys, mesh.trust.meshId.slice(0, 16), 'root.key')}`)
    expect(record()?.roots.map(hexOf)).not.toContain(old)
    await done('trust rotate-root --yes')
    expect(record()?.version).toBe(3)
  })
})

describe('taking trust back', () => {
  it('answers with one document, however many things are signed', async () => {
    const key = hexOf((await publisher()).publicKey)
    const answer = JSON.parse(await done(`trust remove publisher ${key} --yes --json`)) as object
    const [revocation] = mesh.trust.revocations.all()
    expect(answer).toMatchObject({ version: 2, revocation: { digest: revocation?.digest } })
  })

  const signed = async (changes: Parameters<typeof releaseRecord>[1]) =>
    mesh.publish(signRelease(await publisher(), releaseRecord(mesh.trust.meshId, changes)))

  it('removes a publisher, revokes it, and keeps what it published', async () => {
    const { digest } = await signed({ seq: 1, previous: null })
    const key = hexOf((await publisher()).publicKey)
    await done(`trust remove publisher ${key.slice(0, 8)} --yes`)
    expect(record()?.publishers).toEqual([])
    expect(mesh.trust.revoked.isPublisherRevoked((await publisher()).publicKey)).toBe(true)
    expect(mesh.releases.head('light-alarm')?.digest).toBe(digest)
    await expect(signed({ seq: 2, previous: digest })).rejects.toMatchObject({ code: 'ERR_RELEASE_REVOKED' })
  })

  it('revokes a publisher so that nothing of it runs', async () => {
    await signed({ seq: 1, previous: null })
    const key = hexOf((await publisher()).publicKey)
    await done(`trust revoke publisher ${key} --stop --reason stolen --yes`)
    expect(mesh.releases.halted('light-alarm')).toMatchObject({ of: 'publisher', reason: 'stolen' })
    expect(mesh.releases.desired()).toEqual([])
  })

  it('revokes one release, by version, and the one before it counts', async () => {
    const first = await signed({ seq: 1, version: '1.0.0', previous: null })
    await signed({ seq: 2, version: '2.0.0', previous: first.digest })
    const { stderr } = await here('trust revoke release light-alarm@2.0.0 --yes')
    expect(stderr).toContain('1.0.0 runs again')
    expect(mesh.releases.head('light-alarm')?.digest).toBe(first.digest)
    const unknown = await here('trust revoke release light-alarm@9.0.0 --yes')
    expect(unknown.code).toBe(1)
    expect(unknown.stderr).toContain('there is light-alarm@1.0.0, light-alarm@2.0.0')
  })

  it('refuses what it cannot find', async () => {
    expect((await here('trust revoke node nobody --yes')).stderr).toContain('ERR_UNKNOWN_NODE')
    expect((await here('trust revoke cat tom --yes')).code).toBe(2)
    expect((await here('trust remove publisher 00000000 --yes')).stderr).toContain('ERR_UNKNOWN_KEY')
    expect(mesh.trust.revocations.all()).toEqual([])
  })
})

describe('a heartbeat', () => {
  it('is numbered on, and its promise is told', async () => {
    expect(await done('trust heartbeat --yes')).toBe('heartbeat 1 accepted\n')
    expect(await done('trust heartbeat --every 1h --yes')).toBe('heartbeat 2 accepted, the next within 1 h\n')
    expect(await done('trust show')).toMatch(/heartbeat 0\.\d s old, one every 1 h was promised\n$/)
    expect((await here('trust heartbeat --every 1s --yes')).code).toBe(2)
  })
})

describe('what is shown', () => {
  it('of trust warns of a threshold of one, and tells what everybody may', async () => {
    const text = await done('trust show')
    expect(text).toContain('one root key is enough to change everything')
    expect(text).toMatch(/publishers\n {2}[0-9a-f]{16} {2}apps \* {2}grants \*\n/)
    await done('trust add-root --new --label safe --yes')
    await done('trust threshold 2 --yes')
    expect(await done('trust show')).not.toContain('one root key is enough')
  })

  it('of the log says who signed what, and what was refused', async () => {
    await done('trust heartbeat --yes')
    await mesh.publish(new Uint8Array([1, 2, 3])).catch(() => {})
    const lines = (await done('trust log --json')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as object)).toMatchObject([
      {
        schema: 'selvedge.audit/1',
        kind: 'taken',
        what: 'heartbeat',
        from: null,
        signers: [expect.any(String)],
      },
      { kind: 'refused', what: 'release', code: 'ERR_RELEASE_SIGNATURE', attack: null },
    ])
  })
})

describe('keys', () => {
  it('are made, listed, encrypted, used with their passphrase, and opened again', async () => {
    const key = (await done('key new publisher eve')).trim()
    expect(await done('key export-public publisher eve')).toBe(`${key}\n`)
    const ask = async (): Promise<string> => 'correct horse battery'
    await done('key encrypt root', { ask })
    const list = JSON.parse(await done('key list --json')) as { keys: { role: string; encrypted: boolean }[] }
    expect(list.keys.map(({ role, encrypted }) => [role, encrypted])).toEqual([
      ['root', true],
      ['admin', false],
      ['publisher', false],
      ['publisher', false],
    ])
    const without = await here('trust threshold 1 --yes --no-input')
    expect(without.code).toBe(1)
    const locked = await here([
      'trust',
      'add-publisher',
      'eve',
      '--key',
      key,
      '--apps',
      '*',
      '--yes',
      '--no-input',
    ])
    expect(locked.stderr).toContain('ERR_KEY_PASSPHRASE')
    await done(['trust', 'add-publisher', 'eve', '--key', key, '--apps', '*', '--yes', '--no-input'], {
      env: { SELVEDGE_PASSPHRASE: 'correct horse battery' },
    })
    expect(record()?.version).toBe(2)
    await done('key decrypt root', { ask })
    const path = join(keys, mesh.trust.meshId.slice(0, 16), 'root.key')
    expect(await readFile(path, 'utf8')).toContain('selvedge-key/1')
    expect((await stat(path)).mode & 0o077).toBe(0)
  })

  it('are not overwritten, and two different passphrases are not taken', async () => {
    await done('key new admin second')
    expect((await here('key new admin second')).stderr).toContain('ERR_KEY_EXISTS')
    let at = 0
    const { code, stderr } = await here('key encrypt admin second', { ask: async () => `passphrase ${at++}` })
    expect(code).toBe(1)
    expect(stderr).toContain('ERR_NO_PASSPHRASE')
  })
})

describe('the looks of it', () => {
  const drawn = async (line: string): Promise<string> => {
    await server.stop()
    const node = Object.assign(new FakeNode(), { trustReport: sampleTrust, auditLines: [...sampleAudit] })
    server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
    await server.start()
    return done(line)
  }

  it.each([
    ['trust show', 'trust.txt'],
    ['trust log', 'audit.txt'],
  ])('`%s` is as last time', async (line, golden) => {
    expect(sampleNow).toBeGreaterThan(0)
    await expect(await drawn(line)).toMatchFileSnapshot(`goldens/${golden}`)
  })

  it('`trust show --json` is as last time', async () => {
    const document = JSON.parse(await drawn('trust show --json')) as object
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot('goldens/trust.json.txt')
  })
})
