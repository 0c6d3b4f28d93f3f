/** Calls from app to app across two daemons of the built program, and by hand: `selvedge call`. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath, resolve } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { isOver, publishFolder, root, share, start, until, type Daemon, type Stage } from './harness.ts'
import { mustType, type } from './typed.ts'

interface Scene {
  readonly stage: Stage
  /** Asked; thermo-web runs here. */
  readonly near: Daemon
  /** The only one where thermo runs; killed and started again. */
  far: Daemon
}

const folderOf = (app: string): string => resolve(root, 'components', app)
const farOptions = { name: 'far', args: ['--group', 'cellar'] }

const scene = share<Scene>(async (stage) => {
  const near = await start(stage, { name: 'near' })
  const groups = ['--group', 'cellar', '--group', 'lobby']
  const token = await mustType(stage, ['invite', '--data', near.data, ...groups])
  const far = await start(stage, { ...farOptions, join: token.trim() })
  await until('the first has heard of the second', () => isFarAlive(near))
  await publishFolder(stage, near, folderOf('thermo'), '--group', 'cellar')
  await publishFolder(stage, near, folderOf('thermo-web'), '--group', 'lobby')
  return { stage, near, far }
})

async function isFarAlive(near: Daemon): Promise<boolean> {
  const { nodes } = await near.client.status()
  return nodes.some(
    ({ name, groups, state }) => name === 'far' && state === 'alive' && groups.includes('cellar'),
  )
}

/** Both, with thermo on the second. */
async function pair(): Promise<Scene> {
  const { stage, near, far } = scene()
  if (await isOver(far)) scene().far = await start(stage, farOptions)
  await until('the other computes', async () => (await ask(near, '/linked/0')) === '32.0')
  return scene()
}

/** The text of a response of thermo-web, asked on the daemon's own node. */
async function ask(daemon: Daemon, path: string): Promise<string> {
  const { stdout } = await type(scene().stage, ['call', 'thermo-web', 'GET', path, '--data', daemon.data])
  return stdout.trim()
}

it('an app calls another on another node, through a link and by name', async () => {
  const { near } = await pair()
  expect(await ask(near, '/linked/100')).toBe('212.0')
  expect(await ask(near, '/named/to-fahrenheit/-40')).toBe('-40')
  // The function's own error arrives as one, in both ways.
  expect(await ask(near, '/linked/-300')).toContain('nothing is colder')
  expect(await ask(near, '/named/to-fahrenheit/-300')).toBe(
    'returned: "nothing is colder than -273.15 degrees"',
  )
  expect(await ask(near, '/named/to-fahrenheit/warm')).toMatch(/^invalid-arguments: .*celsius: f64/)
  expect(await ask(near, '/named/to-kelvin/1')).toMatch(/^not-found: thermo exports no function/)
})

it('a called app that is gone is an error to its caller, which lives on', async () => {
  const { near, far } = await pair()
  far.kill('SIGKILL')
  await until('nobody answers', async () => (await ask(near, '/named/to-fahrenheit/1')) !== '33.8')
  expect(await ask(near, '/named/to-fahrenheit/1')).toMatch(/^(unavailable|failed|timeout)/)
  expect(await ask(near, '/linked/1')).not.toBe('33.8')
  const app = (await near.client.apps()).find((one) => one.app === 'thermo-web')
  expect(app?.usage.incidents).toEqual({})
})

it('without the grant an app is neither linked nor published', async () => {
  const { stage, near: daemon } = scene()
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
})

it('a person calls a function of an app that runs elsewhere, and is told where it went', async () => {
  const { stage, near } = await pair()
  const call = (...args: string[]): ReturnType<Stage['run']> =>
    stage.run(['call', 'thermo', ...args, '--data', near.data])
  const listed = await call()
  expect(listed.stdout).toContain('api.to-fahrenheit: func(celsius: f64) -> result<f64, string>')
  const helped = await call('--help', '--json')
  const { functions } = JSON.parse(helped.stdout) as { functions: { docs: string; example: string }[] }
  expect(functions.map(({ docs }) => docs)).toEqual([
    'Celsius as Fahrenheit. Colder than absolute zero is an error.',
    'The warmest of some readings; none of none.',
  ])
  // The line that it shows is one that works.
  const [, , , ...typed] = functions[0]?.example.split(' ') ?? []
  expect((await call(...typed)).stdout).toBe('34.7\n')
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
})
