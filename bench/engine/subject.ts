/**
 * Ourselves as the thing that is measured: a process of its own with the engine and, where it is asked over HTTP, the
 * server in front of it. Says `ready {…}` on stdout, then obeys the lines it reads, and answers each with one line.
 */
// oxlint-disable-next-line no-unassigned-import -- it gives older Node.js what it lacks
import '../../core/compat.ts'
import { writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { digestOf, memoryFolder, silentLog, systemClock } from '../../core/index.ts'
import {
  createEngine,
  type AppPool,
  type BoundInterface,
  type Engine,
  type EngineLimits,
  type Isolation,
  type PoolShape,
  type StartRequest,
} from '../../host/engine/index.ts'
import {
  componentIngress,
  HttpServer,
  pooledIngress,
  recordIngress,
  type Ingress,
} from '../../host/http/index.ts'
import { interfaceOffers } from '../../host/interfaces/index.ts'

export interface SubjectOrder {
  /** Where the engine's programs lie. */
  readonly dist: string
  readonly isolation: Isolation
  readonly fresh: boolean
  /** Asked over HTTP: by which of the two ways. */
  readonly http: 'wasi' | 'record' | null
  /** The component that it is about. */
  readonly file: string
  /** Of the app that is asked over HTTP; the first stands from the beginning, the others come with the load. */
  readonly instances: number
  /** What the engine has other than a node's. */
  readonly limits: Partial<EngineLimits>
}

const order = JSON.parse(process.argv[2] ?? '') as SubjectOrder
const megabyte = 1024 * 1024
/** StarlingMonkey's own heap grows over 64 MiB before its collector runs, and gives up where it cannot. */
const ownMemoryBytes = 512 * megabyte
const disturberMemoryBytes = 64 * megabyte
const handler = 'selvedge:edge/sensor-handler@0.1.0#handle'
const engine: Engine = createEngine({
  cacheFolder: memoryFolder(),
  clock: systemClock,
  log: silentLog,
  isolation: order.isolation,
  programFolder: new URL(`file://${order.dist}/`),
  limits: order.limits,
})
let logged = 0

/** What guests of the world `sensor-app` ask for; they get next to nothing. */
const imports: readonly BoundInterface[] = [
  {
    id: 'wasi:logging/logging@0.1.0-draft',
    functions: {
      log: {
        mode: 'post',
        run: () => {
          logged += 1
        },
      },
    },
  },
  {
    id: 'wasi:config/store@0.2.0-rc.1',
    functions: { get: { mode: 'call', run: () => undefined }, 'get-all': { mode: 'call', run: () => [] } },
  },
  {
    id: 'selvedge:device/pins@0.1.0',
    functions: {
      read: { mode: 'call', run: () => false },
      write: { mode: 'call', run: () => undefined },
    },
  },
  {
    id: 'selvedge:device/sensor@0.1.0',
    functions: { read: { mode: 'call', run: () => ({ value: 5, unit: 'lx', timeMs: 0n }) } },
  },
]

async function requestFor(
  file: string,
  app: string,
  deadlineMs = 30_000,
  memoryBytes = ownMemoryBytes,
): Promise<StartRequest> {
  const bytes = new Uint8Array(await readFile(file))
  const prepared = await engine.prepare({
    bytes,
    digest: digestOf(bytes),
    granted: interfaceOffers.map(({ id }) => id),
    offered: interfaceOffers,
    requiredExports: [],
    memoryBytes,
  })
  return { app, prepared, imports, deadlineMs, memoryBytes, fresh: order.fresh, publisher: 'bench' }
}

function ingressInto(pool: AppPool): Ingress {
  return pooledIngress(pool, (sandbox) =>
    order.http === 'record' ? recordIngress('app', sandbox, megabyte) : componentIngress('app', sandbox),
  )
}

async function serve(): Promise<number> {
  const pool = await engine.open(await requestFor(order.file, 'app'), { min: 1, max: order.instances })
  const ingress = ingressInto(pool)
  const server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    hosts: new Map(),
    only: 'app',
    ingressOf: () => ingress,
    textOf: (code) => code,
    clock: systemClock,
    log: silentLog,
  })
  await server.start()
  return server.address?.port ?? 0
}

const event = (id: number): object => ({
  id: BigInt(id),
  sensor: 'light',
  reading: { value: 5, unit: 'lx', timeMs: 1_700_000_000_000n },
})

/** @returns calls per second, and posts that arrived per call */
async function events(inFlight: number, ms: number): Promise<object> {
  const pool = await engine.open(await requestFor(order.file, 'app'), { min: 1, max: 1, ahead: inFlight })
  let calls = 0
  const turn = async (untilMs: number): Promise<void> => {
    while (performance.now() < untilMs) {
      calls += 1
      await pool.call(handler, [event(calls)])
    }
  }
  const turns = (forMs: number): Promise<unknown> => {
    const untilMs = performance.now() + forMs
    return Promise.all(Array.from({ length: inFlight }, () => turn(untilMs)))
  }
  await turns(ms / 2)
  calls = 0
  logged = 0
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await turns(ms)
  const tookMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  await pool.stop()
  return {
    perSecond: (calls / tookMs) * 1_000,
    perCpuSecond: calls / ((user + system) / 1e6),
    logs: logged / calls,
  }
}

/** An app that is prepared and has no instance, asked once; again and again. @returns ms of each first answer */
async function firstAnswers(rounds: number): Promise<object> {
  const request = await requestFor(order.file, 'app')
  const shape: Partial<PoolShape> = { min: 0, max: 1 }
  const keeper = await engine.open(request, shape) // keeps the template pool filled
  const ms: number[] = []
  for (let round = 0; round < rounds; round += 1) {
    const pool = await engine.open(request, shape)
    await sleep(500)
    const startedAt = performance.now()
    if (order.http === null) await pool.call(handler, [event(round)])
    else {
      const ask = {
        method: 'GET',
        path: '/',
        scheme: 'http',
        authority: 'a',
        headers: [],
        body: null,
      } as const
      await ingressInto(pool).handle(ask)
    }
    ms.push(performance.now() - startedAt)
    await pool.stop()
  }
  await keeper.stop()
  return { ms, starts: engine.starts }
}

/** Starts so many idle apps, each of which has answered once. */
async function idleApps(count: number): Promise<object> {
  const request = await requestFor(order.file, 'app')
  for (let number = 0; number < count; number += 1) {
    const sandbox = await engine.start({ ...request, app: `app-${number}` })
    await sandbox.call(handler, [event(number)])
  }
  return { count }
}

/** Keeps an app busy that does harm. @returns at once */
async function disturb(file: string): Promise<object> {
  const request = await requestFor(file, 'disturber', 1_000, disturberMemoryBytes)
  const pool = await engine.open({ ...request, fresh: false }, { min: 1, max: 1, maxDeaths: 1_000_000 })
  const on = async (): Promise<void> => {
    for (let number = 1; ; number += 1) {
      await pool.call(handler, [event(number)]).catch(() => {})
      await sleep(1)
    }
  }
  void on()
  return {}
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function heap(): object {
  const collect = (globalThis as { gc?: () => void }).gc
  collect?.()
  return { heapBytes: process.memoryUsage().heapUsed }
}

async function obey(line: string): Promise<object> {
  const [what, first = '', second = ''] = line.split(' ')
  switch (what) {
    case 'events':
      return events(Number(first), Number(second))
    case 'first':
      return firstAnswers(Number(first))
    case 'idle':
      return idleApps(Number(first))
    case 'disturb':
      return disturb(first)
    case 'heap':
      return heap()
    default:
      throw new Error(`it knows no ${what}`)
  }
}

const say = (word: string, value: object): void => void writeSync(1, `${word} ${JSON.stringify(value)}\n`)
say('ready', { port: order.http === null ? 0 : await serve() })
for await (const line of createInterface({ input: process.stdin })) say('answer', await obey(line))
process.exit(0)
