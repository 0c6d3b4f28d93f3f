/** The built program as separate processes, for tests: the demo's stage with clean-up tied to the test. */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join as joinPath, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { EventLedger } from '../../demo/ledger.ts'
import { Stage, type Daemon, type DaemonOptions } from '../../demo/stage.ts'
import { mustType } from './typed.ts'

export { freePort } from '../../demo/ports.ts'
export { EventLedger, type Daemon, type Stage }

export const root = resolve(import.meta.dirname, '../..')
export const app = 'light-alarm'
export const appFolder = resolve(root, 'components', app)
export const appFile = resolve(appFolder, 'build', `${app}.wasm`)

/** A busy machine takes ten times as long as one that has nothing else to do. */
const patienceMs = 50_000

/** A stage that ends with the test, whatever became of it. */
export async function openStage(): Promise<Stage> {
  const stage = await Stage.open(root)
  onTestFinished(() => stage.close(), patienceMs)
  return stage
}

/**
 * What the tests of a file or a `describe` share because none of them disturbs another: made before the first, ended
 * after the last, whatever became of them. Each test has apps and names of its own there, and leaves the nodes running.
 * @returns it, once a test runs
 */
export function share<T>(make: (stage: Stage) => Promise<T>): () => T {
  let stage: Stage | undefined
  let made: { readonly value: T } | undefined
  beforeAll(async () => {
    stage = await Stage.open(root)
    made = { value: await make(stage) }
  })
  afterAll(() => stage?.close(), patienceMs)
  return () => {
    if (made === undefined) throw new Error('what the tests share was not made')
    return made.value
  }
}

/** A light that alternates between dark and bright, and a LED; the threshold lies between the two. */
export const lightAndLed = `
[sensors.light]
driver = "simulated"
shape = "steps"
values = [10, 900]
unit = "lx"
period = "1s"

[pins.led]
driver = "simulated"
`

export function start(stage: Stage, options: Partial<DaemonOptions> & { name: string }): Promise<Daemon> {
  return stage.up({ group: 'lobby', config: lightAndLed, ...options }, AbortSignal.timeout(patienceMs))
}

/** Starts a node that joins through `member`. */
export async function join(
  stage: Stage,
  member: Daemon,
  options: Partial<DaemonOptions> & { name: string },
): Promise<Daemon> {
  const group = options.group ?? 'lobby'
  const token = await mustType(stage, ['invite', '--data', member.data, '--group', group])
  const daemon = await start(stage, { ...options, group, join: token.trim() })
  await inTouch(daemon, member.name)
  return daemon
}

/** One that was just started takes itself for isolated, and the others for suspect, until it has dialled them. */
export async function inTouch(daemon: Daemon, other: string): Promise<void> {
  await until(`${daemon.name} and ${other} are in touch`, async () => {
    const verdicts = await Promise.all([verdictOf(daemon, daemon.name), verdictOf(daemon, other)])
    return verdicts.every((verdict) => verdict === 'alive')
  })
}

/** Each is reached by all others, and its own word of its devices has come to them: from then on they place apps alike. */
export async function allKnown(daemons: readonly Daemon[]): Promise<void> {
  await until('each node knows what the others have', async () => {
    const seen = await Promise.all(daemons.map(({ client }) => client.status()))
    return seen.every(({ self, nodes }) =>
      daemons.every(({ name }) => {
        const node = nodes.find((candidate) => candidate.name === name)
        return node?.state === 'alive' && (node.id === self.id || node.recordAgeMs !== null)
      }),
    )
  })
}

/**
 * light-alarm, or another component, under another name: an app of one test's own.
 * @param change what is other in its manifest
 * @returns its folder, in which nothing has to be built
 */
export async function appCalled(
  stage: Stage,
  name: string,
  change: (manifest: string) => string = (text) => text,
  component = app,
): Promise<string> {
  const source = joinPath(root, 'components', component)
  const folder = joinPath(stage.folder, 'apps', name)
  await mkdir(folder, { recursive: true })
  const manifest = await readFile(joinPath(source, 'selvedge.toml'), 'utf8')
  const own = manifest
    .replace(/^name = ".*"$/m, `name = "${name}"`)
    .replace('[component]', '[component]\nfile = "app.wasm"')
  await writeFile(joinPath(folder, 'selvedge.toml'), change(own))
  await cp(joinPath(source, 'build', `${component}.wasm`), joinPath(folder, 'app.wasm'))
  return folder
}

/** Publishes the app of a folder as it lies there, and waits until it runs where it should. @returns the receipt */
export async function publishFolder(
  stage: Stage,
  daemon: Daemon,
  folder: string,
  ...args: string[]
): Promise<string> {
  return mustType(stage, ['publish', folder, '--no-build', '--data', daemon.data, '--wait', ...args])
}

/** Publishes light-alarm to every group of the tests. */
export async function publishApp(stage: Stage, daemon: Daemon, ...args: string[]): Promise<string> {
  return publishFolder(stage, daemon, appFolder, ...args)
}

/** Whether its process is over. */
export function isOver(daemon: Daemon): Promise<boolean> {
  return Promise.race([
    daemon.exited.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ])
}

/** Waits for what must become true; fails with what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + patienceMs
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs / 1_000} s in vain: ${what}`)
    await new Promise((wake) => setTimeout(wake, 50))
  }
}

/** What `daemon` says of the node called `name`. */
export async function verdictOf(daemon: Daemon, name: string): Promise<string | undefined> {
  return (await daemon.client.status()).nodes.find((node) => node.name === name)?.state
}

/** The version of light-alarm, or of another app, that runs on `daemon`; null where none does. */
export async function runningVersion(daemon: Daemon, name = app): Promise<string | null> {
  const found = (await daemon.client.apps()).find((candidate) => candidate.app === name)
  return found?.state === 'running' ? found.version : null
}

/** Reads the new log lines of light-alarm, or of it under another name, into `ledger`. */
export async function readLog(daemon: Daemon, ledger: EventLedger, name = app): Promise<EventLedger> {
  for (const line of await daemon.client.logs({ app: name, after: ledger.logSeq })) ledger.add(line)
  return ledger
}

const yearMs = 365.25 * 86_400_000

/** What a Node.js loads first, so that its time of day begins there. @returns the option for it */
export async function clockFrom(stage: Stage, year: number): Promise<string> {
  const file = joinPath(stage.folder, `clock-${year}.mjs`)
  const shiftMs = Math.round((year - 1970) * yearMs + 60_000 - Date.now())
  await writeFile(
    file,
    `const now = () => Real.now() + ${shiftMs}
const Real = Date
globalThis.Date = new Proxy(Real, {
  construct: (target, args, made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
  apply: () => new Real(now()).toString(),
  get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
})\n`,
  )
  return `--import=${pathToFileURL(file)}`
}
