/**
 * What a node is made of, made in the order in which each needs the one before. Nothing of it runs yet; a failure on the
 * way has given back what was open.
 */
import { dirname, join } from 'node:path'
import { digestOf, systemClock, systemRandom, type DurableFolder } from '../../core/index.ts'
import { openMesh, openNodeIdentity, parseAddress, type Mesh, type NodeIdentity } from '../../mesh/index.ts'
import { apiProblems } from '../api/index.ts'
import type { IdleThread } from '../threads/index.ts'
import { AppLog, createAppSupervisor, type AppSupervisor } from '../apps/index.ts'
import { nodeBudget, sizesOf, type NodeBudget, type NodeSizes } from '../budget/index.ts'
import type { NodeOptions } from '../cli/index.ts'
import { parseHttpAddress, type NodeConfig } from '../config/index.ts'
import { nameBuses, openDevices, type Devices, type DeviceState, type NamedBus } from '../devices/index.ts'
import {
  createEngine,
  largestAppBytes,
  supportedFeatures,
  type Engine,
  type EngineLimits,
} from '../engine/index.ts'
import { measureCapabilities, type Capabilities } from '../fit/index.ts'
import { httpProblems } from '../http/index.ts'
import { logFolder, openJournal, type Journal } from '../logs/index.ts'
import { createBrokers, keptBrokers, type Brokers } from '../mqtt/index.ts'
import { diskQueues, type Queues } from '../queue/index.ts'
import { GroupReplicas } from '../replicas/index.ts'
import { diskStorage, type Storage, type StorageConfig } from '../storage/index.ts'
import { describeNode } from './description.ts'
import { halfOfDisk } from './disk-share.ts'
import { enterMesh, type Origin } from './membership.ts'
import { openMessages, type NodeMessages } from './messages.ts'
import { checkMetricsAddress } from './metrics.ts'
import { OutgoingCalls } from './outgoing-calls.ts'
import { Pauses } from './pauses.ts'
import { peerChanges } from './peer-changes.ts'
import { fetchFrom } from './placement.ts'
import type { Resting } from './placement.ts'

export const clock = systemClock
export const random = systemRandom

export interface Parts {
  readonly budget: NodeBudget
  readonly capabilities: Capabilities
  readonly mesh: Mesh
  readonly engine: Engine
  readonly brokers: Brokers
  readonly devices: Devices
  readonly buses: ReadonlyMap<string, NamedBus>
  readonly storage: Storage
  readonly replicas: GroupReplicas
  readonly queues: Queues
  readonly apps: AppSupervisor
  readonly appLog: AppLog
  readonly journal: Journal
  readonly pauses: Pauses
  readonly resting: Resting
  readonly outgoing: OutgoingCalls
  readonly messages: NodeMessages
  readonly origin: Origin
}

export interface PartsOptions extends NodeOptions {
  /** Started for the first app, where one ran here before. */
  readonly firstThread?: IdleThread
}

/**
 * Opens the devices, enters the mesh, and makes the rest around both.
 * @throws ERR_DRIVER_UNKNOWN, ERR_TOKEN_… and what joining throws
 */
export async function makeParts(
  options: PartsOptions,
  config: NodeConfig,
  folder: DurableFolder,
): Promise<Parts> {
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
  const brokers = createBrokers(config.brokers, {
    clientId: clientIdOf(identity),
    kept: keptBrokers(config.bridges),
    clock,
    random,
    log: log.scope('mqtt'),
  })
  const base = options.config === undefined ? undefined : dirname(options.config)
  const addons = addonsIn(folder)
  const devices = await openDevices(config, { clock, random, brokers, base, addons })

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
    return { ...(await makeAround(devices, identity, options, config, folder)), brokers, devices, origin }
  } catch (error) {
    await devices.close()
    throw error
  }
}

/** Where its owner puts optional addons: an update of the program does not take them away. */
function addonsIn(folder: DurableFolder): readonly string[] {
  return [join(folder.path, 'addons')]
}

/** What brokers know this node by: old ones take 23 letters and digits at most. */
function clientIdOf({ nodeId }: NodeIdentity): string {
  return `selvedge-${digestOf(Buffer.from(nodeId)).slice(0, 14)}`
}

/** `--listen none`: a node that only connects to others. */
function listensOnNothing(typed: readonly string[]): boolean {
  return typed.length === 1 && typed[0] === 'none'
}

function listenOn(typed: readonly string[], { mesh }: NodeConfig): readonly string[] {
  if (listensOnNothing(typed)) return []
  return typed.length > 0 ? typed : mesh.listen
}

function engineLimits(
  { totalBytes, shares }: NodeBudget,
  { prepareHeapMb, preparePages, sandboxHeapMb, spares }: NodeSizes,
): Partial<EngineLimits> {
  return {
    budgetBytes: totalBytes,
    appsBytes: shares.apps,
    prepareHeapMb,
    preparePages,
    sandboxHeapMb,
    spares,
  }
}

/** Where apps store, and the most that one of them may. */
function storageOf(
  { storage: { keyvalue, blobstore, ttl } }: NodeConfig,
  { storageHeapMb, storePagesKb }: NodeSizes,
): StorageConfig {
  return {
    keyValue: keyvalue,
    blobs: blobstore,
    caps: {
      keyValue: { bytes: keyvalue.size, items: keyvalue.keys },
      blobs: { bytes: blobstore.size, items: blobstore.objects },
    },
    lifeRules: ttl,
    memory: { heapMb: storageHeapMb, pagesKb: storePagesKb },
  }
}

/** What needs the devices open: engine, mesh and apps. Nothing of it runs before the lifecycle starts it. */
async function makeAround(
  devices: Devices,
  identity: NodeIdentity,
  options: PartsOptions,
  config: NodeConfig,
  folder: DurableFolder,
): Promise<Omit<Parts, 'brokers' | 'devices' | 'origin'>> {
  const { log } = options
  const buses = nameBuses(config.buses, { root: '/', addons: addonsIn(folder) })
  const resting: Resting = { from: [] }
  const budget = nodeBudget(config.limits.memory)
  const sizes = sizesOf(budget)
  const componentBytes = config.components.size ?? (await halfOfDisk(folder.path))
  const limits = engineLimits(budget, sizes)
  const capabilities = measureCapabilities({
    features: supportedFeatures(),
    without: config.engine.without,
    memoryBytes: budget.limitBytes,
    appMemoryBytes: largestAppBytes({ appsBytes: budget.shares.apps, budgetBytes: budget.totalBytes }),
    componentBytes,
  })
  const appsFolder = await folder.folder('apps')
  const engine = createEngine({
    ...(options.firstThread !== undefined && { firstThread: options.firstThread }),
    features: capabilities.features,
    cacheFolder: await folder.folder('prepared'),
    limits,
    clock,
    log: log.scope('engine'),
    // A worn disk looks the same; what was altered is made again from the component.
    onDamaged: (detail) => mesh.witness.seen('component', 'swap-after-check', null, detail),
  })
  const journal = await openJournal({
    disk: logFolder((await folder.folder('logs')).path),
    boot: identity.boot,
    appBytes: config.logs.size,
    totalBytes: config.logs.total,
    clock,
    log: log.scope('logs'),
  })
  const lines = Math.min(config.limits.logLines, sizes.logLines)
  const linesPerSecond = config.limits.logLinesPerSecond
  const appLog = new AppLog(clock, { lines, linesPerSecond }, (line) => journal.append(line))
  const pauses = new Pauses(clock, () => mesh.descriptionChanged())
  const mesh = await openMesh({
    folder,
    identity,
    listen: listenOn(options.listen, config),
    announce: options.announce,
    mdns: options.mdns && config.mesh.mdns,
    connectsLater: true,
    offline: options.offline,
    gateway: {
      reachable: config.mesh.reachable,
      serves: config.mesh.gateway ?? null,
      bytesPerSecond: config.mesh.relay,
    },
    quotaBytes: componentBytes,
    recentBytes: sizes.recentChunkBytes,
    caps: {
      uploadBytesPerSecond: config.components.upload,
      downloadBytesPerSecond: config.components.download,
    },
    clock,
    random,
    log: log.scope('mesh'),
    describe: () => ({
      ...describeNode(
        capabilities,
        devices,
        config.folders,
        apps.status(),
        clock.now(),
        pauses.last(),
        messages.messaging.topics,
        buses,
      ),
      ...(resting.from.length > 0 && { rests: resting.from }),
    }),
  })
  const deviceLog = log.scope('devices')
  const tellHealth = ({ kind, name, health: { state, why, hint } }: DeviceState): void =>
    deviceLog[state === 'ok' ? 'info' : 'warn']('device:health', {
      device: `${kind} ${name}`,
      state,
      why,
      ...(hint !== undefined && { fix: hint }),
    })
  for (const device of devices.states()) if (device.health.state !== 'ok') tellHealth(device)
  devices.onChange((device) => {
    tellHealth(device)
    mesh.descriptionChanged()
  })
  const storage = diskStorage(await folder.folder('storage'), clock, storageOf(config, sizes))
  const queues = diskQueues(await folder.folder('queues'), clock)
  const replicas = new GroupReplicas({
    mesh,
    folder: await folder.folder('storage'),
    allowed: (app) => storage.report(app).keyValue.allowed,
    clock,
    log: log.scope('replicas'),
  })
  const outgoing = new OutgoingCalls()
  const messages = await openMessages({
    mesh,
    queues,
    folder: await folder.folder('messages'),
    config,
    log: log.scope('messages'),
  })
  const apps = createAppSupervisor({
    capabilities,
    engine,
    devices,
    buses,
    folders: config.folders,
    storage,
    replicas,
    queues,
    peers: peerChanges(mesh),
    topics: messages.messaging,
    overlays: config.apps,
    queuedEvents: Math.min(config.limits.queuedEvents, sizes.queuedEvents),
    call: outgoing.call,
    groups: mesh.members().find(({ id }) => id === mesh.self)?.groups ?? [],
    fetchComponent: fetchFrom(mesh),
    recall: (digest) => mesh.releases.get(digest),
    folder: appsFolder,
    clock,
    random,
    log: log.scope('apps'),
    appLog,
  })
  return {
    budget,
    capabilities,
    buses,
    mesh,
    engine,
    storage,
    replicas,
    queues,
    apps,
    appLog,
    journal,
    pauses,
    outgoing,
    resting,
    messages,
  }
}
