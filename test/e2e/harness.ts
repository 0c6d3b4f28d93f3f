/** The built program as separate processes, for tests: the demo's stage with clean-up tied to the test. */
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { EventLedger } from '../../demo/ledger.ts'
import { Stage, type Daemon, type DaemonOptions } from '../../demo/stage.ts'

export { EventLedger, type Daemon, type Stage }

export const root = resolve(import.meta.dirname, '../..')
export const app = 'light-alarm'
export const appFolder = resolve(root, 'components', app)
export const appFile = resolve(appFolder, 'build', `${app}.wasm`)

const patienceMs = 25_000

/** A stage that ends with the test, whatever became of it. */
export async function openStage(): Promise<Stage> {
  const stage = await Stage.open(root)
  onTestFinished(() => stage.close(), 15_000)
  return stage
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
  const token = await stage.mustRun(['invite', '--data', member.data, '--group', group])
  return start(stage, { ...options, group, join: token.trim() })
}

/** Publishes light-alarm to every group of the tests. */
export async function publishApp(stage: Stage, daemon: Daemon, ...args: string[]): Promise<string> {
  return stage.mustRun(['publish', appFolder, '--no-build', '--data', daemon.data, '--wait', ...args])
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

/** The version of light-alarm that runs on `daemon`; null where none does. */
export async function runningVersion(daemon: Daemon): Promise<string | null> {
  const found = (await daemon.client.apps()).find((candidate) => candidate.app === app)
  return found?.state === 'running' ? found.version : null
}

/** Reads the app's new log lines into `ledger`. */
export async function readLog(daemon: Daemon, ledger: EventLedger): Promise<EventLedger> {
  for (const line of await daemon.client.logs({ app, after: ledger.logSeq })) ledger.add(line)
  return ledger
}
