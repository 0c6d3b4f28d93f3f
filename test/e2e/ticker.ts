/** An app of timers for tests: it says of each event what it was told, and fails where its settings say so. */
import { copyFile, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Stage } from './harness.ts'

const handler = `
import { TimerEvent } from './bindings/selvedge-edge-timer-handler'
import { done, err, Result, Unit } from './bindings/values'
import * as config from './bindings/wasi-config-store'
import { Level, log } from './bindings/wasi-logging-logging'

export function handle(event: TimerEvent): Result<Unit, string> {
  const mode = config.get('mode')
  if (!mode.isErr && mode.value !== null && mode.value! == 'fail') return err<Unit, string>('told to fail')
  log(Level.info, 'ticker', 'tick ' + event.id.toString() + ' ' + event.attempt.toString() + ' ' + event.timeMs.toString())
  return done<string>()
}
`
const index = `
import * as timerHandler from './handler'
export { timerHandler }
`
const asconfig = { options: { runtime: 'minimal', optimizeLevel: 3, shrinkLevel: 2, noAssert: true } }

export interface TickerRelease {
  readonly version: string
  readonly mode: 'ok' | 'fail'
  /** Lines of the trigger, in TOML. */
  readonly trigger: string
}

const manifest = (name: string, { version, mode, trigger }: TickerRelease): string => `
[app]
name = "${name}"
version = "${version}"
[component]
language = "assemblyscript"
world = "timer-app"
file = "${builtFile}"
[[triggers]]
${trigger}
[limits]
memory = "1 MiB"
deadline = "5s"
[config]
mode = "${mode}"
`
const builtFile = 'ticker.wasm'

/** Builds it with the program under test. @returns its component's file */
export async function buildTicker(stage: Stage): Promise<string> {
  const folder = await mkdtemp(join(stage.folder, 'ticker-'))
  await mkdir(join(folder, 'assembly'))
  await writeFile(join(folder, 'assembly', 'handler.ts'), handler)
  await writeFile(join(folder, 'assembly', 'index.ts'), index)
  await writeFile(join(folder, 'asconfig.json'), JSON.stringify(asconfig))
  const any: TickerRelease = { version: '0.0.0', mode: 'ok', trigger: 'kind = "timer"\nevery = "1h"' }
  await writeFile(join(folder, 'selvedge.toml'), manifest('ticker', any))
  await stage.mustRun(['build', folder])
  return join(folder, builtFile)
}

/** A release of the component as an app of some name. @param built its file @returns the app's folder */
export async function tickerCalled(name: string, built: string, release: TickerRelease): Promise<string> {
  const folder = join(dirname(built), name)
  await mkdir(folder, { recursive: true })
  await copyFile(built, join(folder, builtFile))
  await writeFile(join(folder, 'selvedge.toml'), manifest(name, release))
  return folder
}

export interface Tick {
  readonly id: number
  readonly attempt: number
  readonly timeMs: number
}

export function readTick(message: string): Tick[] {
  const found = /^tick (\d+) (\d+) (\d+)$/.exec(message)
  if (found === null) return []
  const [id = 0, attempt = 0, timeMs = 0] = found.slice(1).map(Number)
  return [{ id, attempt, timeMs }]
}
