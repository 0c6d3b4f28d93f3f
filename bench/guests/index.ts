/**
 * Which guest language: the same sensor app in each, through the whole engine. AssemblyScript is what the others are
 * held against. Guests of toolchains that are not ours are taken from where the tests of toolchains keep them
 * (`npx vitest run test/toolchains` builds what this machine can).
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { digestOf, memoryFolder, silentLog, systemClock } from '../../core/index.ts'
import { createEngine, type BoundInterface, type Engine } from '../../host/engine/index.ts'
import { interfaceOffers } from '../../host/interfaces/index.ts'
import { median, type Benchmark, type Finding } from '../benchmark.ts'

interface Guest {
  readonly language: string
  readonly file: string
}

interface Measured {
  readonly sizeBytes: number
  readonly prepareMs: number
  readonly startMs: number
  readonly firstMs: number
  readonly eventUs: number
  readonly memoryBytes: number
}

const handler = 'selvedge:edge/sensor-handler@0.1.0'
const memoryBytes = 128 * 1024 * 1024
const rounds = 3
const events = 2_000
const inFlight = 64
const yardstick = 'AssemblyScript'

export const guests: Benchmark = {
  name: 'guests',
  async run({ root, say }): Promise<Finding[]> {
    const engine = createEngine({
      cacheFolder: memoryFolder(),
      clock: systemClock,
      log: silentLog,
      programFolder: pathToFileURL(join(root, 'dist/')),
    })
    try {
      const measured = new Map<string, Measured>()
      for (const guest of await guestsHere(root)) {
        const figures = await measure(engine, guest)
        measured.set(guest.language, figures)
        say(`${guest.language}: ${describe(figures)}`)
      }
      return findingsOf(measured)
    } finally {
      await engine.stop()
    }
  },
}

async function guestsHere(root: string): Promise<Guest[]> {
  const own = [
    { language: yardstick, file: join(root, 'components/light-alarm/build/light-alarm.wasm') },
    {
      language: 'TypeScript, QuickJS',
      file: join(root, 'components/light-alarm-ts/build/light-alarm-ts.wasm'),
    },
  ]
  const folder = join(tmpdir(), 'selvedge-toolchains')
  const others = new Map<string, { file: string; mtimeMs: number }>()
  for (const name of await readdir(folder).catch(() => [])) {
    const language = {
      C: 'C',
      Rust: 'Rust',
      Python: 'Python',
      'JavaScript-StarlingMonkey': 'JavaScript, StarlingMonkey',
    }[basename(name).replace(/-[0-9a-f]{24}\.wasm$/, '')]
    if (language === undefined) continue
    const file = join(folder, name)
    const { mtimeMs } = await stat(file)
    if (mtimeMs > (others.get(language)?.mtimeMs ?? 0)) others.set(language, { file, mtimeMs })
  }
  return [...own, ...[...others].map(([language, { file }]) => ({ language, file }))]
}

async function measure(engine: Engine, { file }: Guest): Promise<Measured> {
  const bytes = new Uint8Array(await readFile(file))
  const from = performance.now()
  const prepared = await engine.prepare({
    bytes,
    digest: digestOf(bytes),
    granted: interfaceOffers.map(({ id }) => id),
    offered: interfaceOffers,
    requiredExports: [handler],
    memoryBytes,
  })
  const prepareMs = performance.now() - from
  const starts: number[] = []
  const firsts: number[] = []
  const each: number[] = []
  let used = 0
  for (let round = 0; round < rounds; round++) {
    const startFrom = performance.now()
    const sandbox = await engine.start({
      app: 'guest',
      prepared,
      imports: imports(),
      deadlineMs: 30_000,
      memoryBytes,
    })
    starts.push(performance.now() - startFrom)
    const send = (id: number): Promise<unknown> => sandbox.call(`${handler}#handle`, [event(id)])
    const firstFrom = performance.now()
    await send(1)
    firsts.push(performance.now() - firstFrom)
    for (let id = 2; id < 200; id++) await send(id)
    const eachFrom = performance.now()
    let next = 200
    const worker = async (): Promise<void> => {
      while (next < 200 + events) await send(next++)
    }
    await Promise.all(Array.from({ length: inFlight }, worker))
    each.push(((performance.now() - eachFrom) * 1_000) / events)
    used = sandbox.usage.memoryBytes
    await sandbox.stop()
  }
  return {
    sizeBytes: bytes.length,
    prepareMs,
    startMs: median(starts),
    firstMs: median(firsts),
    eventUs: median(each),
    memoryBytes: used,
  }
}

/** Always dark: the app reads its threshold, decides, and leaves the LED as it is. */
function event(id: number): object {
  return { id: BigInt(id), sensor: 'light', reading: { value: 1, unit: 'lx', timeMs: 1_700_000_000_000n } }
}

const call = (run: () => unknown) => ({ mode: 'call' as const, run })

function imports(): BoundInterface[] {
  return [
    { id: 'wasi:logging/logging@0.1.0-draft', functions: { log: { mode: 'post', run: () => {} } } },
    { id: 'wasi:config/store@0.2.0-rc.1', functions: { get: call(() => '300'), 'get-all': call(() => []) } },
    {
      id: 'selvedge:device/sensor@0.1.0',
      functions: { read: call(() => ({ value: 1, unit: 'lx', timeMs: 0n })) },
    },
    {
      id: 'selvedge:device/pins@0.1.0',
      functions: { read: call(() => true), write: call(() => undefined) },
    },
  ]
}

function describe({ sizeBytes, prepareMs, startMs, firstMs, eventUs, memoryBytes: used }: Measured): string {
  const figures = [
    `${sizeBytes} bytes`,
    `prepared once in ${prepareMs.toFixed(0)} ms`,
    `started in ${startMs.toFixed(0)} ms`,
    `first event ${firstMs.toFixed(1)} ms`,
    `then ${eventUs.toFixed(1)} µs each`,
    `${Math.round(used / 1_024)} KiB of memory`,
  ]
  return figures.join(', ')
}

/** The goals are what an app that samples every 200 ms on a slow device can live with, not what is hoped for. */
function findingsOf(measured: ReadonlyMap<string, Measured>): Finding[] {
  const base = measured.get(yardstick)
  return [...measured].flatMap(([language, figures]) => [
    finding(language, 'an event through the host', 'event', 'µs', figures.eventUs, base?.eventUs, 2_000),
    finding(
      language,
      'from the cache to the first answer',
      'start',
      'ms',
      figures.startMs + figures.firstMs,
      base && base.startMs + base.firstMs,
      2_000,
    ),
  ])
}

function finding(
  language: string,
  question: string,
  metric: string,
  unit: string,
  value: number,
  rivalValue: number | undefined,
  goalValue: number,
): Finding {
  return {
    bench: 'guests',
    question: `${language}: ${question}`,
    metric: `${metric}:${language}`,
    value,
    unit,
    samples: rounds,
    rival: yardstick,
    rivalValue: rivalValue ?? null,
    goalOf: 'value',
    op: '<=',
    goalValue,
  }
}
