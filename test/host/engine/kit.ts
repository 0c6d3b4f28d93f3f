/** An engine over a folder in memory, and ways to get a guest running in it. */
import { digestOf, memoryFolder, silentLog, systemClock, type DurableFolder } from '../../../core/index.ts'
import {
  createEngine,
  type BoundFunction,
  type BoundInterface,
  type Engine,
  type EngineLimits,
  type Isolation,
  type OfferedInterface,
  type PrepareRequest,
  type Sandbox,
  type StartRequest,
} from '../../../host/engine/index.ts'
import { guest, type GuestName } from '../../guests/index.ts'

export const handler = 'selvedge:edge/sensor-handler@0.1.0'
export const sensors = 'selvedge:device/sensor@0.1.0'
export const pins = 'selvedge:device/pins@0.1.0'
export const logging = 'wasi:logging/logging@0.1.0-draft'

export const offered: readonly OfferedInterface[] = [
  { id: sensors, grantKind: 'sensor' },
  { id: pins, grantKind: 'pin' },
  { id: logging, grantKind: null },
  { id: 'wasi:config/store@0.2.0-rc.1', grantKind: null },
]

export const everything = offered.map(({ id }) => id)

/** For the engines of one test file that prepare the same guests: what one of them made is there for the others. */
export const preparedOnce = memoryFolder()

export function makeEngine(
  limits: Partial<EngineLimits> = {},
  cacheFolder: DurableFolder = memoryFolder(),
  isolation: Isolation = 'worker',
): Engine {
  return createEngine({ cacheFolder, clock: systemClock, log: silentLog, limits, isolation })
}

export async function requestFor(
  name: GuestName,
  changes: Partial<PrepareRequest> = {},
): Promise<PrepareRequest> {
  const bytes = await guest(name)
  return {
    bytes,
    digest: digestOf(bytes),
    granted: everything,
    offered,
    requiredExports: name === 'wasi' || name === 'unknown' ? [] : [handler],
    memoryBytes: 4 * 1024 * 1024,
    ...changes,
  }
}

/** Prepares and starts a guest. Interfaces that it needs and `imports` lacks do nothing. */
export async function startGuest(
  engine: Engine,
  name: GuestName,
  changes: Partial<StartRequest> = {},
): Promise<Sandbox> {
  const request = await requestFor(name)
  const prepared = await engine.prepare(request)
  const { memoryBytes } = request
  return engine.start({
    app: name,
    prepared,
    imports: [log(() => {})],
    deadlineMs: 5_000,
    memoryBytes,
    ...changes,
  })
}

export function log(run: (args: readonly unknown[]) => unknown): BoundInterface {
  return { id: logging, functions: { log: { mode: 'post', run } } }
}

/** Sensor and pins whose functions are given; waits for what they return. */
export function devices(
  read: BoundFunction['run'],
  write: BoundFunction['run'] = () => undefined,
): readonly BoundInterface[] {
  return [
    { id: sensors, functions: { read: { mode: 'call', run: read } } },
    { id: pins, functions: { write: { mode: 'call', run: write } } },
  ]
}

/** A sensor event as the trigger makes it. */
export function event(value: number, id = 1n): object {
  return { id, sensor: 'light', reading: { value, unit: 'lx', timeMs: 1_700_000_000_000n } }
}

export const handle = `${handler}#handle`
