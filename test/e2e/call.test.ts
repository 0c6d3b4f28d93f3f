/** Calls from app to app across two daemons of the built program, and by hand: `selvedge call`. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { openStage, root, start, until, type Daemon, type Stage } from './harness.ts'

const folderOf = (app: string): string => resolve(root, 'components', app)

async function publish(stage: Stage, daemon: Daemon, folder: string, ...args: string[]): Promise<void> {
  await stage.mustRun(['publish', folder, '--no-build', '--data', daemon.data, '--wait', ...args])
}

/** The text of a response of thermo-web, asked on the daemon's own node. */
async function ask(stage: Stage, daemon: Daemon, path: string): Promise<string> {
  const { stdout } = await stage.run(['call', 'thermo-web', 'GET', path, '--data', daemon.data])
  return stdout.trim()
}

/** Two daemons of one group; thermo runs on the second only. */
async function openPair(): Promise<{ stage: Stage; near: Daemon; far: Daemon }> {
  const stage = await openStage()
  const near = await start(stage, { name: 'near' })
  const token = await stage.mustRun(['invite', '--data', near.data, '--group', 'cellar', '--group', 'lobby'])
  const far = await start(stage, { name: 'far', args: ['--group', 'cellar'], join: token.trim() })
  await until('the first has heard of the second', async () => {
    const { nodes } = await near.client.status()
    return nodes.some(
      ({ name, groups, state }) => name === 'far' && state === 'alive' && groups.includes('cellar'),
    )
  })
  await publish(stage, near, folderOf('thermo'), '--group', 'cellar')
  return { stage, near, far }
}

it('an app calls another on another node, through a link and by name', async () => {
  const { stage, near } = await openPair()
  await publish(stage, near, folderOf('thermo-web'), '--group', 'lobby')
  expect(await ask(stage, near, '/linked/100')).toBe('212.0')
  expect(await ask(stage, near, '/named/to-fahrenheit/-40')).toBe('-40')
  // The function's own error arrives as one, in both ways.
  expect(await ask(stage, near, '/linked/-300')).toContain('nothing is colder')
  expect(await ask(stage, near, '/named/to-fahrenheit/-300')).toBe(
    'returned: "nothing is colder than -273.15 degrees"',
  )
  expect(await ask(stage, near, '/named/to-fahrenheit/warm')).toMatch(/^invalid-arguments: .*celsius: f64/)
  expect(await ask(stage, near, '/named/to-kelvin/1')).toMatch(/^not-found: thermo exports no function/)
}, 90_000)

it('a called app that is gone is an error to its caller, which lives on', async () => {
  const { stage, near, far } = await openPair()
  await publish(stage, near, folderOf('thermo-web'), '--group', 'lobby')
  expect(await ask(stage, near, '/linked/0')).toBe('32.0')
  far.kill('SIGKILL')
  await until('nobody answers', async () => (await ask(stage, near, '/named/to-fahrenheit/1')) !== '33.8')
  expect(await ask(stage, near, '/named/to-fahrenheit/1')).toMatch(/^(unavailable|failed|timeout)/)
  expect(await ask(stage, near, '/linked/1')).not.toBe('33.8')
  const app = (await near.client.apps()).find((one) => one.app === 'thermo-web')
  expect(app?.usage.incidents).toEqual({})
}, 90_000)

it('without the grant an app is neither linked nor published', async () => {
  const stage = await openStage()
  const daemon = await start(stage, { name: 'near' })
  const folder = await mkdtemp(joinPath(tmpdir(), 'selvedge-call-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(folderOf('thermo-web'), folder, { recursive: true })
  const manifest = await readFile(joinPath(folder, 'selvedge.toml'), 'utf8')
  await writeFile(joinPath(folder, 'selvedge.toml'), manifest.replace('calls = ["thermo"]', ''))
  const unlinked = await stage.run(['publish', folder, '--no-build', '--data', daemon.data])
  expect(unlinked.code).toBe(1)
  expect(unlinked.stderr).toContain('write calls = ["thermo"] under [grants]')
  const bare = manifest.replace('calls = ["thermo"]', '').replace('"acme:thermo/api@1.0.0" = "thermo"', '')
  await writeFile(joinPath(folder, 'selvedge.toml'), bare)
  const refused = await stage.run(['publish', folder, '--no-build', '--data', daemon.data])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('ERR_IMPORTS_REFUSED')
  expect(refused.stderr).toContain('"acme:thermo/api@1.0.0" = "APP" under [links]')
}, 60_000)

it('a person calls a function of an app that runs elsewhere, and is told where it went', async () => {
  const { stage, near } = await openPair()
  const call = (...args: string[]): ReturnType<Stage['run']> =>
    stage.run(['call', 'thermo', ...args, '--data', near.data])
  const listed = await call()
  expect(listed.stdout).toContain('api.to-fahrenheit: func(celsius: f64) -> result<f64, string>')
  const traced = await call('to-fahrenheit', 'celsius=21.5', '--trace')
  expect(traced.stdout).toBe('70.7\n')
  expect(traced.stderr).toMatch(/node {3}far \(in the group\)/)
  expect((await call('to-fahrenheit', '-40')).stdout).toBe('-40\n')
  const warmest = await call(
    'warmest',
    '[{place: "roof", celsius: 31}, {place: "lobby", celsius: 20}]',
    '--json',
  )
  expect(JSON.parse(warmest.stdout)).toMatchObject({
    schema: 'selvedge.call/1',
    isError: false,
    value: { place: 'roof', celsius: 31 },
    trace: { node: 'far', scope: 'group' },
  })
  const wrong = await call('to-fahrenheit', 'hot')
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toContain('ERR_CALL_ARGUMENTS')
  const own = await call('to-fahrenheit', '-300')
  expect(own.code).toBe(1)
  expect(own.stderr).toContain('nothing is colder')
  const nowhere = await call('to-fahrenheit', '1', '--node', 'near')
  expect(nowhere.stderr).toContain('ERR_CALL_NOWHERE')
}, 90_000)
