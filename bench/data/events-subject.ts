/**
 * A serial line, a light-alarm or a plain script, and a pin in files. Run in a mount namespace of its own where
 * /sys/class is a folder of the benchmark, so that the drivers that people use for real boards are what is measured.
 */
// oxlint-disable-next-line no-unassigned-import -- it gives older Node.js what it lacks
import '../../core/compat.ts'
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync, watch, type FSWatcher } from 'node:fs'
import { access, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Stage, type Daemon } from '../../demo/stage.ts'
import { pssMb } from '../first-light/node.ts'

export interface EventsOrder {
  readonly root: string
  readonly who: 'selvedge' | 'script'
  /** Edges whose way is timed, one at a time. */
  readonly edges: number
  /** For so long a thousand readings a second come in, after the edges; 0 for none. Only of `selvedge`. */
  readonly floodMs: number
  readonly delivery: 'at-most-once' | 'at-least-once'
}

export interface EventsResult {
  readonly edgeMs: readonly number[]
  readonly flood: Flood | null
}

export interface Flood {
  readonly sent: number
  readonly handled: number
  readonly failed: number
  readonly dropped: number
  /** Of the node and its children, at ten moments. */
  readonly pssMb: readonly number[]
}

const pin = '/sys/class/gpio/gpio517'
const app = 'light-alarm'
const perSecond = 1_000
const patienceMs = 60_000

async function main(order: EventsOrder): Promise<EventsResult> {
  await makePin()
  const stage = await Stage.open(order.root)
  const line = join(stage.folder, 'tty')
  const socat = spawn('socat', ['-', `pty,rawer,link=${line}`], { stdio: ['pipe', 'ignore', 'inherit'] })
  let script: ChildProcess | null = null
  try {
    await until('the serial line', () => exists(line))
    let daemon: Daemon | null = null
    if (order.who === 'script') script = await startScript(line)
    else daemon = await startNode(stage, order, line)
    const send = (value: number): void => void socat.stdin.write(`${value}\n`)
    const edgeMs = await timeEdges(send, order.edges)
    if (daemon === null || order.floodMs === 0) return { edgeMs, flood: null }
    return { edgeMs, flood: await flood(daemon, send, order.floodMs) }
  } finally {
    script?.kill('SIGKILL')
    await stage.close()
    socat.kill('SIGKILL')
  }
}

/** What the kernel would show of a line that is an output. */
async function makePin(): Promise<void> {
  await mkdir('/sys/class/gpio/gpiochip512', { recursive: true })
  await mkdir(pin, { recursive: true })
  const files = { label: 'bench-gpio', base: '512', ngpio: '16' }
  for (const [name, text] of Object.entries(files))
    await writeFile(`/sys/class/gpio/gpiochip512/${name}`, text)
  for (const [name, text] of Object.entries({ direction: 'out', active_low: '0', value: '0', edge: 'none' }))
    await writeFile(join(pin, name), text)
}

async function startNode(stage: Stage, { root, delivery }: EventsOrder, line: string): Promise<Daemon> {
  const config = `
[sensors.light]
driver = "serial"
path = "${line}"
baud = 115200
unit = "lx"

[pins.led]
driver = "sysfs"
chip = "bench-gpio"
line = 5
`
  const daemon = await stage.up({ name: 'bench', group: 'lobby', config }, AbortSignal.timeout(patienceMs))
  const folder = join(stage.folder, app)
  await mkdir(folder)
  await copyFile(join(root, 'components', app, 'build', `${app}.wasm`), join(folder, `${app}.wasm`))
  await writeFile(
    join(folder, 'selvedge.toml'),
    `[app]
name = "${app}"
version = "1.0.0"
[component]
file = "${app}.wasm"
[grants]
sensors = ["light"]
pins = ["led"]
[[triggers]]
kind = "sensor"
sensor = "light"
delivery = "${delivery}"
[limits]
memory = "1 MiB"
deadline = "5s"
`,
  )
  await stage.mustRun(['publish', folder, '--no-build', '--data', daemon.data, '--wait'])
  return daemon
}

/** What somebody writes who has one sensor and one pin. */
async function startScript(line: string): Promise<ChildProcess> {
  const text = `
    const { openSync, writeFileSync } = require('node:fs')
    const { ReadStream } = require('node:tty')
    let rest = ''
    new ReadStream(openSync(${JSON.stringify(line)}, 'r')).on('data', (bytes) => {
      const lines = (rest + bytes).split('\\n')
      rest = lines.pop()
      for (const value of lines) writeFileSync('${pin}/value', Number(value) < 300 ? '1' : '0')
    })
    console.log('ready')`
  const child = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child
}

/** From the moment that a reading is written to the line until the pin's file has changed. */
async function timeEdges(send: (value: number) => void, edges: number): Promise<number[]> {
  const times: number[] = []
  const level = new Level()
  try {
    for (let at = 0; at < edges + 20; at += 1) {
      const isLit = at % 2 === 0
      const startedAt = performance.now()
      send(isLit ? 10 : 900)
      await level.becomes(isLit ? '1' : '0')
      // The first ones find cold code, on either side.
      if (at >= 20) times.push(performance.now() - startedAt)
      await sleep(5 + (at % 11))
    }
  } finally {
    level.close()
  }
  return times
}

/** The pin's file, looked at when the kernel says that it was written. */
class Level {
  readonly #watcher: FSWatcher
  #wanted: { readonly level: string; readonly done: () => void } | null = null

  constructor() {
    this.#watcher = watch(join(pin, 'value'), () => this.#look())
  }

  becomes(level: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the pin never became ${level}`)), patienceMs)
      const done = (): void => {
        clearTimeout(timer)
        resolve()
      }
      this.#wanted = { level, done }
      this.#look()
    })
  }

  close(): void {
    this.#watcher.close()
  }

  #look(): void {
    if (this.#wanted === null || readFileSync(join(pin, 'value'), 'utf8') !== this.#wanted.level) return
    this.#wanted.done()
    this.#wanted = null
  }
}

async function flood(daemon: Daemon, send: (value: number) => void, floodMs: number): Promise<Flood> {
  const before = await counts(daemon)
  const startedAt = performance.now()
  const weights: number[] = []
  let sent = 0
  for (;;) {
    const elapsedMs = performance.now() - startedAt
    if (elapsedMs >= floodMs) break
    // As many as are due: a timer that comes late makes none up and none fewer.
    for (; sent < (elapsedMs * perSecond) / 1_000; sent += 1) send(sent % 2 === 0 ? 10 : 900)
    if (elapsedMs > ((weights.length + 0.5) * floodMs) / 10) weights.push(await pssMb(daemon.pid))
    await sleep(1)
  }
  await until('the last reading was handled', async () => {
    const now = await counts(daemon)
    return now.handled + now.failed + now.dropped - before.handled - before.failed - before.dropped >= sent
  }).catch(() => {})
  const after = await counts(daemon)
  return {
    sent,
    handled: after.handled - before.handled,
    failed: after.failed - before.failed,
    dropped: after.dropped - before.dropped,
    pssMb: weights,
  }
}

async function counts(daemon: Daemon): Promise<Record<'handled' | 'failed' | 'dropped', number>> {
  const text = await daemon.client.metricsText()
  const of = (outcome: string): number =>
    Number(
      new RegExp(`^selvedge_app_events_total\\{.*outcome="${outcome}".*\\} (\\S+)$`, 'm').exec(text)?.[1] ??
        0,
    )
  return { handled: of('handled'), failed: of('failed'), dropped: of('dropped') }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${patienceMs / 1_000} s`)
    await sleep(50)
  }
}

console.log(JSON.stringify(await main(JSON.parse(process.argv[2] ?? '{}') as EventsOrder)))
