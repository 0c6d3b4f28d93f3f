/** Two processes, one mesh: publishers are added, publish with their own keys, and are taken back, on every node. */
import { readFile, writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openKeyRing, signRelease } from '../../mesh/index.ts'
import { componentRef } from '../../mesh/blobs/index.ts'
import { readExposition } from '../host/metrics/exposition.ts'
import { releaseRecord } from '../mesh/releases/harness.ts'
import {
  app,
  appFile,
  join,
  publishApp,
  runningVersion,
  share,
  start,
  until,
  type Daemon,
  type Stage,
} from './harness.ts'
import { mustType } from './typed.ts'

interface Scene {
  readonly stage: Stage
  /** Also hears of build jobs. */
  readonly first: Daemon
  readonly second: Daemon
}

const scene = share<Scene>(async (stage) => {
  const first = await start(stage, { name: 'lobby-1', args: ['--deploy', '127.0.0.1:0'] })
  return { stage, first, second: await join(stage, first, { name: 'lobby-2' }) }
})

const granted = ['--grant', 'sensor:light', '--grant', 'pin:led']

/** A publisher whose key is in a file and nowhere else; it may publish apps that are called as it is, with a - behind. */
async function deployKey(name: string, run = mustType): Promise<string> {
  const { stage, first } = scene()
  const grants = ['--grants', 'sensor:light', '--grants', 'pin:led']
  const line = await run(stage, [
    'trust',
    'add-publisher',
    name,
    '--deploy',
    '--apps',
    `${name}-*`,
    ...grants,
    '--yes',
    '--data',
    first.data,
  ])
  const file = joinPath(stage.folder, `${name}.key`)
  await writeFile(file, line, { mode: 0o600 })
  return file
}

/** The public key of such a publisher. */
async function publisherOf(name: string): Promise<string> {
  const { publishers } = await scene().second.client.trust()
  return publishers.find(({ apps }) => apps.includes(`${name}-*`))?.key ?? ''
}

const publishing = (at: Daemon, key: string, name: string, version = '1.0.0'): readonly string[] => [
  'publish',
  appFile,
  '--app',
  name,
  '--version',
  version,
  ...granted,
  '--key',
  key,
  '--no-input',
  '--data',
  at.data,
]

async function trustVersion(daemon: Daemon): Promise<number> {
  return (await daemon.client.trust()).version
}

const versionsOf = (name: string): Promise<(string | null)[]> =>
  Promise.all([scene().first, scene().second].map((daemon) => runningVersion(daemon, name)))

const nobodysKeys = (): { keys: string } => ({ keys: joinPath(scene().stage.folder, 'no-keys') })

describe('a deploy key', () => {
  it('publishes what it was given, from a machine without any other key, and nothing else', async () => {
    const { stage, first, second } = scene()
    const before = { version: await trustVersion(second), lines: (await second.client.audit()).length }
    const key = await deployKey('ci', (_, args) => stage.mustRun(args))
    const allowed = await stage.run(publishing(first, key, 'ci-alarm'), nobodysKeys())
    expect({ code: allowed.code, error: /error\[.*/.exec(allowed.stderr)?.[0] }).toEqual({ code: 0 })
    const other = await stage.run(publishing(first, key, 'door-opener'), nobodysKeys())
    expect(other.code).toBe(1)
    expect(other.stderr).toContain('error[ERR_RELEASE_DELEGATION]')
    await until('both nodes run it', async () =>
      (await versionsOf('ci-alarm')).every((version) => version === '1.0.0'),
    )
    // Asked on the node that was only told.
    const lines = (await second.client.audit())
      .slice(before.lines)
      .filter(({ what }) => what === 'trust' || what === 'release')
    expect(lines.map(({ kind, text }) => [kind, text])).toEqual([
      ['taken', `trust version ${before.version + 1}`],
      ['taken', 'ci-alarm 1.0.0 (number 1)'],
    ])
    expect(lines.every(({ from }) => from !== null)).toBe(true)
  })
})

describe('a publisher that is revoked', () => {
  it('publishes nothing more, and with --stop nothing of it runs on any node', async () => {
    const { stage, first, second } = scene()
    const key = await deployKey('stolen')
    await mustType(stage, [...publishing(first, key, 'stolen-alarm'), '--wait'])
    const publisher = await publisherOf('stolen')
    const revoke = ['trust', 'revoke', 'publisher', publisher, '--stop', '--reason', 'stolen']
    const asked = await stage.run([...revoke, '--data', first.data])
    expect(asked.code).toBe(1)
    expect(asked.stderr).toContain('error[ERR_NOT_CONFIRMED]')
    expect(await runningVersion(second, 'stolen-alarm')).toBe('1.0.0')
    await stage.mustRun([...revoke, '--yes', '--data', first.data])
    await until('it runs nowhere', async () =>
      (await versionsOf('stolen-alarm')).every((version) => version === null),
    )
    const refused = await stage.run(publishing(second, key, 'stolen-alarm', '2.0.0'))
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('error[ERR_RELEASE_REVOKED]')
    const shown = await stage.mustRun(['releases', 'stolen-alarm', '--data', second.data])
    expect(shown).toContain('✗ stopped, its publisher was revoked: stolen')
  })

  it('that is removed leaves running what runs, and every node knows of it', async () => {
    const { stage, first, second } = scene()
    const key = await deployKey('leaving')
    await mustType(stage, [...publishing(first, key, 'leaving-alarm'), '--wait'])
    const next = (await trustVersion(first)) + 1
    const publisher = await publisherOf('leaving')
    const out = await stage.mustRun([
      'trust',
      'remove',
      'publisher',
      publisher,
      '--yes',
      '--data',
      first.data,
    ])
    expect(out).toContain(`trust version ${next} is known to 2 of 2 nodes`)
    expect(await trustVersion(second)).toBe(next)
    expect(await versionsOf('leaving-alarm')).toEqual(['1.0.0', '1.0.0'])
    const heartbeat = ['trust', 'heartbeat', '--every', '1h', '--yes', '--data', second.data]
    expect(await stage.mustRun(heartbeat)).toContain('heartbeat 1 accepted')
    await until('the other node has heard it', async () => {
      const { heartbeat: last } = await first.client.status()
      return last?.state === 'fresh' && last.counter === 1
    })
    expect(await stage.mustRun(['status', '--data', first.data])).toMatch(/heartbeat \d+\.\d s old/)
  })
})

describe('a build job on another machine', () => {
  it('publishes with a deploy key and an address, and no longer once the key is revoked', async () => {
    const { stage, first, second } = scene()
    const key = await deployKey('job')
    const said = /build jobs publish at (http:\/\/127\.0\.0\.1:\d+)/.exec(first.output.join('\n'))
    const url = said?.[1] ?? 'none'
    // Nothing of a node is in that folder.
    const line = `publish ${appFile} --app job-alarm --node ${url} --key ${key} --data nowhere --no-input`
    const publish = (version: string): ReturnType<Stage['run']> =>
      stage.run([...line.split(' '), ...granted, '--wait', '--version', version], nobodysKeys())
    const done = await publish('1.0.0')
    expect({ code: done.code, error: /error\[.*/.exec(done.stderr)?.[0] }).toEqual({ code: 0 })
    expect(done.stdout).toContain('job-alarm 1.0.0 on 2/2')
    expect(await runningVersion(second, 'job-alarm')).toBe('1.0.0')
    const known = async (): Promise<number> => (await first.client.trust()).revocationCount
    const before = await known()
    const publisher = await publisherOf('job')
    await stage.mustRun(['trust', 'revoke', 'publisher', publisher, '--yes', '--data', second.data])
    await until('the first node knows', async () => (await known()) > before)
    const refused = await publish('2.0.0')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('error[ERR_DEPLOY_KEY]')
  })
})

describe('a release that imports an interface which no node has, signed by hand with a publisher’s key,', () => {
  it('is named in status and metrics as the attack that it is, and what runs goes on', async () => {
    const { stage, first, second } = scene()
    await publishApp(stage, first)
    const bytes = await readFile(appFile)
    const { mesh } = await first.client.status()
    const held = (await first.client.releases(app)).at(0)
    const record = releaseRecord(mesh.id, {
      seq: 2,
      version: '2.0.0',
      component: componentRef(bytes).ref,
      previous: held?.digest ?? null,
      signedAt: Date.now(),
      imports: ['acme:telepathy/link@1.0.0'],
    })
    await first.client.publish(signRelease(await openKeyRing(stage.keys).get(mesh.id, 'publisher'), record))
    for (const node of [first, second]) {
      await until(`${node.name} names it`, async () => {
        const { attacks = [] } = await node.client.status()
        return attacks.some(({ attack }) => attack === 'wrong-target')
      })
      const shown = await stage.mustRun(['status', '--data', node.data])
      expect(shown).toContain('wrong-target')
      expect(shown).toContain('ERR_IMPORTS_REFUSED')
      const { value } = readExposition(await stage.mustRun(['metrics', '--data', node.data]))
      expect(value('selvedge_attacks_total', { attack: 'wrong-target' })).toBe(1)
      expect(await runningVersion(node)).toBe('1.0.0')
    }
  })
})
