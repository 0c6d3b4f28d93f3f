/** A file made ready to run on this machine: looked at, prepared, and with what it was granted behind its imports. */
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { digestOf, messageOf, silentLog, systemClock, systemRandom } from '../../core/index.ts'
import { parseNodeConfig } from '../config/index.ts'
import { closeBuses, nameBuses, openDevices, type Devices } from '../devices/index.ts'
import {
  createEngine,
  parametersOf,
  signatureOf,
  type BoundInterface,
  type CoreType,
  type Engine,
  type Prepared,
  type Signature,
  type StartRequest,
} from '../engine/index.ts'
import {
  bindInterfaces,
  noCalls,
  grantedInterfaces,
  grantedNames,
  interfaceOffers,
  networkPolicy,
  type AppContext,
} from '../interfaces/index.ts'
import { localTopics } from '../messages/index.ts'
import { memoryStorage } from '../storage/index.ts'
import { cacheAt } from './cache-folder.ts'
import type { RunRequest } from './contract.ts'
import { optionOfGrant } from './granted.ts'
import { withRunHint } from './hints.ts'
import { runProblems } from './problems.ts'

/** Larger than any component the engine takes; it says itself what is too large for it. */
const maxFileBytes = 1024 * 1024 * 1024
/** A program of one person may have more of the heap than an app among many. */
const sandboxHeapMb = 512

export interface LocalApp {
  readonly engine: Engine
  readonly prepared: Prepared
  /** All of a start but its streams. */
  readonly start: Omit<StartRequest, 'streams' | 'output'>
  /** Of a function that a core module exports; null where it is none, or the file is no core module. */
  parametersOf(name: string): readonly CoreType[] | null
  /** The same of a component; null also where it cannot be told. */
  signatureOf(target: string): Signature | null
  close(): Promise<void>
}

/**
 * @param path absolute, of `request.file`
 * @param args of the program, behind its own name
 * @param signal ends it, whatever it is at
 * @throws ERR_RUN_FILE, and what the engine throws for a file that cannot run here
 */
export async function openLocalApp(
  request: RunRequest,
  path: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<LocalApp> {
  const { limits } = request
  const engine = createEngine({
    cacheFolder: cacheAt(request.cacheFolder),
    clock: systemClock,
    log: silentLog,
    limits: { sandboxHeapMb },
    ...(limits.isolation === 'shared' || request.granted.folders.length > 0
      ? {}
      : { warm: limits.isolation }),
  })
  const end = (): void => void engine.stop()
  signal?.addEventListener('abort', end, { once: true })
  try {
    return await prepareApp(request, engine, await readFileBounded(request.file, path), args)
  } catch (error) {
    await engine.stop()
    throw withRunHint(error)
  } finally {
    signal?.removeEventListener('abort', end)
  }
}

async function prepareApp(
  request: RunRequest,
  engine: Engine,
  bytes: Uint8Array,
  args: readonly string[],
): Promise<LocalApp> {
  const { granted, limits } = request
  const prepared = await engine.prepare({
    bytes,
    digest: digestOf(bytes),
    granted: grantedInterfaces(granted.grants),
    offered: interfaceOffers,
    requiredExports: [],
    memoryBytes: limits.memoryBytes,
    howToGrant: (kinds) => `run it with ${kinds.map((kind) => optionOfGrant[kind] ?? kind).join(' ')}`,
  })
  const config = parseNodeConfig(granted.devices, 'the options')
  const buses = nameBuses(config.buses, { root: '/' })
  const devices = await openDevices(config, {
    clock: systemClock,
    random: systemRandom,
  })
  const app = basename(request.file)
  return {
    engine,
    prepared,
    start: {
      app,
      prepared,
      imports: bind(request, app, { ...devices, buses }),
      deadlineMs: limits.deadlineMs,
      memoryBytes: limits.memoryBytes,
      isolation: limits.isolation,
      world: { args: [app, ...args], env: granted.env, preopens: granted.folders },
    },
    parametersOf: (name) => (prepared.facts.kind === 'module' ? parametersOf(bytes, name) : null),
    signatureOf: (target) => (prepared.facts.kind === 'component' ? signatureOf(bytes, target) : null),
    async close() {
      await engine.stop()
      await devices.close()
      await closeBuses(buses)
    },
  }
}

function bind(
  { granted, tell, topics = localTopics(systemClock, systemRandom) }: RunRequest,
  app: string,
  devices: Pick<Devices, 'sensors' | 'pins'> & Required<Pick<AppContext, 'buses'>>,
): BoundInterface[] {
  const { grants, config } = granted
  const storage = memoryStorage(systemClock)
  return bindInterfaces(grants, {
    app,
    version: '0.0.0',
    config,
    sensors: devices.sensors,
    pins: devices.pins,
    buses: devices.buses,
    buckets: new Set(grantedNames(grants, 'keyvalue')),
    containers: new Set(grantedNames(grants, 'blobstore')),
    origins: new Set(grantedNames(grants, 'http')),
    callees: new Set(),
    call: noCalls,
    keyValue: () => storage.keyValue(app),
    blobs: () => storage.blobs(app),
    publishes: new Set(grantedNames(grants, 'publish')),
    topics: () => topics,
    howToGrant: (kind, name) => `run it with ${kind === 'http' ? '--http-origin' : '--network'} ${name}`,
    network: networkPolicy(grantedNames(grants, 'network')),
    log: (level, context, message) => tell(`${level} ${context === '' ? '' : `${context}: `}${message}`),
  })
}

async function readFileBounded(file: string, path: string): Promise<Uint8Array> {
  try {
    const handle = await open(path, 'r')
    try {
      const facts = await handle.stat()
      if (facts.isDirectory()) throw new Error('it is a folder')
      if (facts.size > maxFileBytes) throw new Error(`it has ${facts.size} bytes`)
      return new Uint8Array(await handle.readFile())
    } finally {
      await handle.close()
    }
  } catch (cause) {
    const why =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : messageOf(cause)
    throw runProblems.error('ERR_RUN_FILE', `cannot read ${file}: ${why}`, { cause })
  }
}
