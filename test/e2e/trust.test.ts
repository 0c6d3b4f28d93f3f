/** Two processes, one mesh: a publisher is added, publishes with its own key, and is taken back, on every node. */
import { writeFile } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  app,
  appFile,
  join,
  openStage,
  publishApp,
  runningVersion,
  start,
  until,
  type Daemon,
  type Stage,
} from './harness.ts'

const grants = ['--grants', 'sensor:light', '--grants', 'pin:led']

async function deployKey(stage: Stage, at: Daemon): Promise<string> {
  const line = await stage.mustRun([
    'trust',
    'add-publisher',
    'ci',
    '--deploy',
    '--apps',
    'light-*',
    ...grants,
    '--yes',
    '--data',
    at.data,
  ])
  const file = joinPath(stage.folder, 'deploy.key')
  await writeFile(file, line, { mode: 0o600 })
  return file
}

async function trustVersion(daemon: Daemon): Promise<number> {
  return (await daemon.client.trust()).version
}

async function twoNodes(stage: Stage): Promise<[Daemon, Daemon]> {
  const first = await start(stage, { name: 'lobby-1' })
  return [first, await join(stage, first, { name: 'lobby-2' })]
}

const nobodysKeys = (stage: Stage): { keys: string } => ({ keys: joinPath(stage.folder, 'no-keys') })

describe('a deploy key', () => {
  it('publishes what it was given, from a machine without any other key, and nothing else', async () => {
    const stage = await openStage()
    const [first, second] = await twoNodes(stage)
    const key = await deployKey(stage, first)
    const publish = ['publish', appFile, '--data', first.data, '--key', key, '--no-input']
    const allowed = await stage.run(
      [...publish, '--app', app, '--grant', 'sensor:light', '--grant', 'pin:led', '--version', '1.0.0'],
      nobodysKeys(stage),
    )
    expect({ code: allowed.code, error: /error\[.*/.exec(allowed.stderr)?.[0] }).toEqual({ code: 0 })
    const other = await stage.run(
      [...publish, '--app', 'door-opener', '--grant', 'sensor:light', '--grant', 'pin:led'],
      nobodysKeys(stage),
    )
    expect(other.code).toBe(1)
    expect(other.stderr).toContain('error[ERR_RELEASE_DELEGATION]')
    await until('both nodes run it', async () => {
      const versions = await Promise.all([first, second].map(runningVersion))
      return versions.every((version) => version === '1.0.0')
    })
    // Asked on the node that was only told.
    const lines = (await second.client.audit()).filter(({ what }) => what === 'trust' || what === 'release')
    expect(lines.map(({ kind, text }) => [kind, text])).toEqual([
      ['taken', 'trust version 2'],
      ['taken', 'light-alarm 1.0.0 (number 1)'],
    ])
    expect(lines.every(({ from }) => from !== null)).toBe(true)
  })
})

describe('a publisher that is revoked', () => {
  it('publishes nothing more, and with --stop nothing of it runs on any node', async () => {
    const stage = await openStage()
    const [first, second] = await twoNodes(stage)
    await publishApp(stage, first)
    const { publishers } = await first.client.trust()
    const [publisher] = publishers
    const revoke = ['trust', 'revoke', 'publisher', publisher?.key ?? '', '--stop', '--reason', 'stolen']
    const asked = await stage.run([...revoke, '--data', first.data])
    expect(asked.code).toBe(1)
    expect(asked.stderr).toContain('error[ERR_NOT_CONFIRMED]')
    expect(await runningVersion(second)).toBe('1.0.0')
    await stage.mustRun([...revoke, '--yes', '--data', first.data])
    await until('it runs nowhere', async () => {
      const versions = await Promise.all([first, second].map(runningVersion))
      return versions.every((version) => version === null)
    })
    const refused = await stage.run([
      'publish',
      appFile,
      '--app',
      app,
      '--version',
      '2.0.0',
      '--grant',
      'sensor:light',
      '--grant',
      'pin:led',
      '--data',
      second.data,
    ])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('error[ERR_RELEASE_REVOKED]')
    const shown = await stage.mustRun(['releases', app, '--data', second.data])
    expect(shown).toContain('✗ stopped, its publisher was revoked: stolen')
  })

  it('that is removed leaves running what runs, and every node knows of it', async () => {
    const stage = await openStage()
    const [first, second] = await twoNodes(stage)
    await publishApp(stage, first)
    const [publisher] = (await first.client.trust()).publishers
    const out = await stage.mustRun([
      'trust',
      'remove',
      'publisher',
      publisher?.key ?? '',
      '--yes',
      '--data',
      first.data,
    ])
    expect(out).toContain('trust version 2 is known to 2 of 2 nodes')
    expect(await trustVersion(second)).toBe(2)
    expect(await Promise.all([first, second].map(runningVersion))).toEqual(['1.0.0', '1.0.0'])
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
    const stage = await openStage()
    const first = await start(stage, { name: 'lobby-1', args: ['--deploy', '127.0.0.1:0'] })
    const second = await join(stage, first, { name: 'lobby-2' })
    const key = await deployKey(stage, first)
    const said = /build jobs publish at (http:\/\/127\.0\.0\.1:\d+)/.exec(first.output.join('\n'))
    const url = said?.[1] ?? 'none'
    // Nothing of a node is in that folder.
    const line = `publish ${appFile} --app ${app} --node ${url} --key ${key} --data nowhere --no-input`
    const rest = ['--grant', 'sensor:light', '--grant', 'pin:led', '--wait', '--version']
    const publish = (version: string): ReturnType<Stage['run']> =>
      stage.run([...line.split(' '), ...rest, version], nobodysKeys(stage))
    const done = await publish('1.0.0')
    expect({ code: done.code, error: /error\[.*/.exec(done.stderr)?.[0] }).toEqual({ code: 0 })
    expect(done.stdout).toContain('light-alarm 1.0.0 on 2/2')
    expect(await runningVersion(second)).toBe('1.0.0')
    const [publisher] = (await second.client.trust()).publishers.filter(({ apps }) =>
      apps.includes('light-*'),
    )
    await stage.mustRun([
      'trust',
      'revoke',
      'publisher',
      publisher?.key ?? '',
      '--yes',
      '--data',
      second.data,
    ])
    await until('the first node knows', async () => (await first.client.trust()).revocationCount === 1)
    const refused = await publish('2.0.0')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('error[ERR_DEPLOY_KEY]')
  })
})
