/** An app of timers for tests: it says of each event what it was told, and fails where its settings say so. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
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

/** A folder with the app, built. @returns writes the manifest of a release, and gives the folder */
export async function openTicker(
  stage: Stage,
  first: TickerRelease,
): Promise<(release: TickerRelease) => Promise<string>> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-ticker-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'assembly'))
  await writeFile(join(folder, 'assembly', 'handler.ts'), handler)
  await writeFile(join(folder, 'assembly', 'index.ts'), index)
  await writeFile(join(folder, 'asconfig.json'), JSON.stringify(asconfig))
  const write = async ({ version, mode, trigger }: TickerRelease): Promise<string> => {
    const toml = `
[app]
name = "ticker"
version = "${version}"
[component]
language = "assemblyscript"
world = "timer-app"
[[triggers]]
${trigger}
[limits]
memory = "1 MiB"
deadline = "5s"
[config]
mode = "${mode}"
`
    await writeFile(join(folder, 'selvedge.toml'), toml)
    return folder
  }
  await write(first)
  await stage.mustRun(['build', folder])
  return write
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
