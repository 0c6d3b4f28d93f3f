/**
 * The daemon, wired: every part is made here, in the order in which it starts, and handed what it needs.
 */
import {
  Lifecycle,
  openFolder,
  systemClock,
  systemRandom,
  type DurableFolder,
  type SelvedgeError,
} from '../../core/index.ts'
import { openMesh, openNodeIdentity, parseAddress, type Mesh, type NodeIdentity } from '../../mesh/index.ts'
import {
  acquireDataLock,
  apiProblems,
  ControlServer,
  DeployServer,
  type DataLock,
  type StatusReport,
} from '../api/index.ts'
import { AppLog, createAppSupervisor, type AppSupervisor } from '../apps/index.ts'
import type { NodeOptions, NodeStarter, RunningNode } from '../cli/index.ts'
import { loadNodeConfig, parseHttpAddress, type NodeConfig } from '../config/index.ts'
import { openDevices, type Devices } from '../devices/index.ts'
import { createEngine, type Engine } from '../engine/index.ts'
import { diskStorage, type Storage, type StorageCaps } from '../storage/index.ts'
import { MeshRouter } from '../calls/index.ts'
import { httpProblems } from '../http/index.ts'
import { CallTally, HttpTally } from '../metrics/index.ts'
import { NodeControl } from './control.ts'
import { describeNode } from './description.ts'
import { halfOfDisk } from './disk-share.ts'
import { enterMesh, type Origin } from './membership.ts'
import { checkMetricsAddress, meterNode, metricsServer } from './metrics.ts'
import { Pauses } from './pauses.ts'
import { OutgoingCalls } from './outgoing-calls.ts'
import { createPlacement, fetchFrom } from './placement.ts'
import { requestServers } from './requests.ts'
import { Signs } from './signs.ts'
import { VerdictHistory } from './verdict-history.ts'

const clock = systemClock
const random = systemRandom

/**
 * Starts a node on a data folder. A failed start has given back lock, ports and devices.
 * @throws ERR_DATA_…, ERR_CONFIG_…, ERR_DRIVER_UNKNOWN, ERR_PORT_IN_USE, ERR_TOKEN_… and what joining throws
 */
export const startNode: NodeStarter = async (options) => {
  const config = await loadNodeConfig(options.config, [options.data, options.keys])
  const folder = await openFolder(options.data)
  const lock = await acquireDataLock(folder.path)
  try {
    return await startLocked(options, config, folder, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

interface Parts {
  readonly mesh: Mesh
  readonly engine: Engine
  readonly devices: Devices
  readonly storage: Storage
  readonly apps: AppSupervisor
  readonly appLog: AppLog
  readonly pauses: Pauses
  readonly outgoing: OutgoingCalls
  readonly origin: Origin
}

async function startLocked(
  options: NodeOptions,
  config: NodeConfig,
  folder: DurableFolder,
  lock: DataLock,
): Promise<RunningNode> {
  const { log } = options
  // The registry gathers this folder's problems too: imported here, so that neither needs the other to load.
  const { allProblems } = await import('../problems.ts')
  const parts = await makeParts(options, config, folder)
  const { mesh, engine, devices, storage, apps, appLog, pauses, origin } = parts
  let stopped!: () => void
  const whenStopped = new Promise<void>((resolve) => (stopped = resolve))
  const fixes = new Map(allProblems().map(({ code, fix }) => [code, fix]))
  const tally = new HttpTally()
  const callTally = new CallTally()
  const router = new MeshRouter({ mesh, apps, clock, random, observer: callTally })
  parts.outgoing.connect(router)
  const requests = requestServers({
    typed: options.http,
    config: config.http,
    router,
    problems: allProblems(),
    observer: tally,
    clock,
    log: log.scope('http'),
  })
  const problems = (): StatusReport['problems'] => control.problems()
  const metrics = meterNode(
    { mesh, engine, apps, http: requests.reading, tally, router, callTally, problems },
    clock,
  )
  const signs = new Signs({ mesh, apps, clock })
  const placement = createPlacement({ mesh, apps, clock, random, log })
  const history = new VerdictHistory({ mesh, clock })
  const control: NodeControl = new NodeControl({
    metrics,
    signs,
    placement,
    router,
    history,
    pauses,
    mesh,
    engine,
    devices,
    apps,
    appLog,
    clock,
    log: log.scope('control'),
    fixOf: (code) => fixes.get(code) ?? '',
    // After the answer is out.
    stop: () => void clock.after(50, () => void stop()),
  })
  const server = new ControlServer({ node: control, lock, clock, log: log.scope('control') })
  const open = metricsServer(
    metrics,
    options.metrics ?? config.metrics.listen,
    config.metrics.hosts,
    clock,
    log.scope('metrics'),
  )
  const deploy = deployServer(options, config, mesh, server)
  const lifecycle = new Lifecycle(
    [
      { name: 'lock', stop: () => lock.release() },
      { name: 'devices', stop: () => devices.close() },
      { name: 'storage', stop: () => storage.close() },
      { name: 'engine', stop: () => engine.stop() },
      history,
      mesh,
      apps,
      pauses,
      signs,
      placement,
      router,
      server,
      ...(deploy === null ? [] : [deploy]),
      ...requests.all,
      metrics,
      ...(open === null ? [] : [open]),
    ],
    clock,
  )
  const stop = async (): Promise<void> => {
    for (const error of await lifecycle.stop()) log.error('node:stop', { error: error.message })
    stopped()
  }
  await lifecycle.start()
  const { current, meshId } = mesh.trust
  const self = mesh.members().find(({ id }) => id === mesh.self)
  return {
    id: mesh.self,
    name: self?.name ?? '',
    mesh: { id: meshId, name: current?.record.name ?? '' },
    addresses: mesh.addresses(),
    socketPath: server.socketPath,
    http: requests.main?.address ?? null,
    metrics: open?.address ?? null,
    deploy: deploy?.address ?? null,
    origin,
    stopped: whenStopped,
    stop,
  }
}

/** null where nobody asked for one. */
function deployServer(
  { deploy: typed, log }: NodeOptions,
  { deploy: { listen } }: NodeConfig,
  { trust, witness }: Mesh,
  control: ControlServer,
): DeployServer | null {
  const text = typed ?? listen
  const address = text === undefined ? null : parseHttpAddress(text)
  if (address === null) return null
  const mayPublish = (key: Uint8Array): boolean => trust.publisher(key) !== null
  const refused = (error: SelvedgeError, from: string): void => witness.refusedJob(error, from)
  const needs = { control, mesh: trust.meshId, mayPublish, refused, random, clock, log: log.scope('deploy') }
  return new DeployServer({ ...needs, ...address })
}

async function makeParts(options: NodeOptions, config: NodeConfig, folder: DurableFolder): Promise<Parts> {
  const { log, join, listen, announce, signal } = options
  // What was typed wrongly is said before a mesh is founded or a token spent.
  for (const address of [...(listensOnNothing(listen) ? [] : listen), ...announce]) parseAddress(address)
  if (options.http !== undefined && parseHttpAddress(options.http) === null) {
    throw httpProblems.error('ERR_HTTP_LISTEN', `--http ${options.http.slice(0, 80)} is no address`, {
      hint: 'write HOST:PORT, for example --http 127.0.0.1:8080 or --http [::]:8080',
    })
  }
  checkMetricsAddress(options.metrics)
  if (options.deploy !== undefined && parseHttpAddress(options.deploy) === null) {
    throw apiProblems.error('ERR_DEPLOY_LISTEN', `--deploy ${options.deploy.slice(0, 80)} is no address`, {
      hint: 'write HOST:PORT, for example --deploy 127.0.0.1:7440',
    })
  }
  const identity = await openNodeIdentity(await folder.folder('identity'), random)
  const devices = await openDevices(config, { clock, random })
  try {
    const origin = await enterMesh({
      folder,
      identity,
      name: options.name ?? config.name,
      groups: options.groups.length > 0 ? options.groups : config.groups,
      token: join,
      keys: options.keys,
      signal,
      clock,
      random,
      log: log.scope('join'),
    })
    return { ...(await makeAround(devices, identity, options, config, folder)), devices, origin }
  } catch (error) {
    await devices.close()
    throw error
  }
}

/** `--listen none`: a node that only connects to others. */
function listensOnNothing(typed: readonly string[]): boolean {
  return typed.length === 1 && typed[0] === 'none'
}

function listenOn(typed: readonly string[], { mesh }: NodeConfig): readonly string[] {
  if (listensOnNothing(typed)) return []
  return typed.length > 0 ? typed : mesh.listen
}

/** The most that one app may store. */
function capsOf({ storage: { keyvalue, blobstore } }: NodeConfig): StorageCaps {
  return {
    keyValue: { bytes: keyvalue.size, items: keyvalue.keys },
    blobs: { bytes: blobstore.size, items: blobstore.objects },
  }
}

/** What needs the devices open: engine, mesh and apps. Nothing of it runs before the lifecycle starts it. */
async function makeAround(
  devices: Devices,
  identity: NodeIdentity,
  options: NodeOptions,
  config: NodeConfig,
  folder: DurableFolder,
): Promise<Pick<Parts, 'mesh' | 'engine' | 'storage' | 'apps' | 'appLog' | 'pauses' | 'outgoing'>> {
  const { log } = options
  const engine = createEngine({
    cacheFolder: await folder.folder('prepared'),
    clock,
    log: log.scope('engine'),
    // A worn disk looks the same; what was altered is made again from the component.
    onDamaged: (detail) => mesh.witness.seen('component', 'swap-after-check', null, detail),
  })
  const appLog = new AppLog(clock, {
    lines: config.limits.logLines,
    linesPerSecond: config.limits.logLinesPerSecond,
  })
  const pauses = new Pauses(clock, () => mesh.descriptionChanged())
  const mesh = await openMesh({
    folder,
    identity,
    listen: listenOn(options.listen, config),
    announce: options.announce,
    mdns: options.mdns && config.mesh.mdns,
    offline: options.offline,
    gateway: {
      reachable: config.mesh.reachable,
      serves: config.mesh.gateway ?? null,
      bytesPerSecond: config.mesh.relay,
    },
    quotaBytes: config.components.size ?? (await halfOfDisk(folder.path)),
    caps: {
      uploadBytesPerSecond: config.components.upload,
      downloadBytesPerSecond: config.components.download,
    },
    clock,
    random,
    log: log.scope('mesh'),
    describe: () => describeNode(devices, config.folders, apps.status(), clock.now(), pauses.last()),
  })
  const storage = diskStorage(await folder.folder('storage'), clock, capsOf(config))
  const outgoing = new OutgoingCalls()
  const apps = createAppSupervisor({
    engine,
    devices,
    folders: config.folders,
    storage,
    overlays: config.apps,
    queuedEvents: config.limits.queuedEvents,
    call: outgoing.call,
    groups: mesh.members().find(({ id }) => id === mesh.self)?.groups ?? [],
    fetchComponent: fetchFrom(mesh),
    recall: (digest) => mesh.releases.get(digest),
    folder: await folder.folder('apps'),
    clock,
    random,
    log: log.scope('apps'),
    appLog,
  })
  return { mesh, engine, storage, apps, appLog, pauses, outgoing }
}
