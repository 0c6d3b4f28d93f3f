/**
 * The daemon, wired: every part is made here, in the order in which it starts, and handed what it needs.
 */
import {
  Lifecycle,
  openFolder,
  type DurableFolder,
  type Part,
  type RegisteredProblem,
  type SelvedgeError,
} from '../../core/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import {
  acquireDataLock,
  ControlServer,
  DeployServer,
  type DataLock,
  type StatusReport,
} from '../api/index.ts'
import type { NodeOptions, RunningNode } from '../cli/index.ts'
import type { AppSupervisor } from '../apps/index.ts'
import { nodeBudget } from '../budget/index.ts'
import { loadNodeConfig, parseHttpAddress, type NodeConfig } from '../config/index.ts'
import type { Journal } from '../logs/index.ts'
import { closeBuses } from '../devices/index.ts'
import { MeshRouter } from '../calls/index.ts'
import { createBridges } from '../mqtt/index.ts'
import { CallTally, HttpTally } from '../metrics/index.ts'
import { NodeControl } from './control.ts'
import { DiskRoom } from './disk-room.ts'
import { WriteMeter } from './disk-writes.ts'
import { letAppsBegin } from './first-apps.ts'
import { checkGround, judgeMemory, warnOfClock } from './ground.ts'
import { logDesk } from './log-desk.ts'
import { memoryReport } from './memory-report.ts'
import { meterNode, metricsServer } from './metrics.ts'
import { clock, makeParts, random, type PartsOptions } from './parts.ts'
import { createPlacement } from './placement.ts'
import { requestServers } from './requests.ts'
import { Signs } from './signs.ts'
import { SubscriptionCare } from './subscription-care.ts'
import { topicDesk } from './topic-desk.ts'
import { VerdictHistory } from './verdict-history.ts'

export interface StartOptions extends PartsOptions {
  /** Every one that a part of the program may report. */
  readonly problems: readonly RegisteredProblem[]
}

/**
 * Starts a node on a data folder. A failed start has given back lock, ports and devices.
 * @throws ERR_DATA_…, ERR_DISK_FULL, ERR_CONFIG_…, ERR_DRIVER_UNKNOWN, ERR_PORT_IN_USE, ERR_TOKEN_… and what joining throws
 */
export async function startNode(options: StartOptions): Promise<RunningNode> {
  const config = await loadNodeConfig(options.config, [options.data, options.keys])
  warnOfClock(clock.now(), options.log)
  judgeMemory(nodeBudget(config.limits.memory), options.log)
  await checkGround(options.data)
  const folder = await openFolder(options.data)
  const lock = await acquireDataLock(folder.path)
  try {
    return await startLocked(options, config, folder, lock)
  } catch (error) {
    await lock.release()
    throw error
  }
}

async function startLocked(
  options: StartOptions,
  config: NodeConfig,
  folder: DurableFolder,
  lock: DataLock,
): Promise<RunningNode> {
  const { log } = options
  const parts = await makeParts(options, config, folder)
  const {
    mesh,
    engine,
    brokers,
    buses,
    devices,
    storage,
    replicas,
    queues,
    apps,
    appLog,
    journal,
    pauses,
    budget,
    origin,
    messages,
  } = parts
  let stopped!: () => void
  const whenStopped = new Promise<void>((resolve) => (stopped = resolve))
  const fixes = new Map(options.problems.map(({ code, fix }) => [code, fix]))
  const tally = new HttpTally()
  const callTally = new CallTally()
  const router = new MeshRouter({ mesh, apps, clock, random, observer: callTally })
  parts.outgoing.connect(router)
  const requests = requestServers({
    typed: options.http,
    config: config.http,
    router,
    problems: options.problems,
    observer: tally,
    clock,
    log: log.scope('http'),
  })
  const bridges = createBridges(config.bridges, {
    brokers,
    topics: messages.messaging,
    queues: parts.queues,
    mesh: mesh.trust.meshId,
    clock,
    random,
    log: log.scope('mqtt'),
  })
  const problems = (): StatusReport['problems'] => control.problems()
  const metrics = meterNode(
    {
      mesh,
      devices,
      brokers,
      bridges,
      engine,
      apps,
      replicas,
      http: requests.reading,
      tally,
      router,
      callTally,
      messages,
      problems,
      memory: () => memoryReport(budget, engine),
    },
    clock,
  )
  const writeMeter = new WriteMeter(clock)
  const fixOf = (code: string): string => fixes.get(code) ?? ''
  const diskRoom = new DiskRoom(folder.path, clock, fixOf)
  const signs = new Signs({ mesh, apps, clock })
  const { capabilities, resting } = parts
  const placement = createPlacement({ mesh, apps, capabilities, resting, clock, random, log })
  const history = new VerdictHistory({ mesh, clock })
  const control: NodeControl = new NodeControl({
    memory: () => memoryReport(budget, engine),
    metrics,
    signs,
    placement,
    router,
    history,
    pauses,
    topics: topicDesk({ messaging: messages.messaging, directory: messages.directory, mesh, clock }),
    messages,
    replicas,
    journal,
    appLogs: logDesk({ mesh, journal, clock, random }),
    writeMeter,
    diskRoom,
    storage,
    mesh,
    engine,
    brokers,
    bridges,
    devices,
    apps,
    appLog,
    clock,
    log: log.scope('control'),
    fixOf,
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
      { name: 'brokers', start: () => brokers.start(), stop: () => brokers.stop() },
      { name: 'devices', stop: () => devices.close() },
      { name: 'buses', stop: () => closeBuses(buses) },
      { name: 'storage', stop: () => storage.close() },
      { name: 'group-stores', stop: () => replicas.close() },
      { name: 'queues', stop: () => queues.close() },
      { name: 'engine', stop: () => engine.stop() },
      journalPart(mesh, journal),
      history,
      mesh,
      messages,
      bridges,
      replicas,
      apps,
      new SubscriptionCare({
        messaging: messages.messaging,
        mesh,
        apps,
        clock,
        log: log.scope('messages'),
      }),
      pauses,
      writeMeter,
      diskRoom,
      signs,
      placement,
      { name: 'first-apps', start: () => letAppsBegin(apps, clock, options.signal) },
      { name: 'network', start: () => mesh.connect() },
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
    works: runsSome(apps),
    stopped: whenStopped,
    stop,
  }
}

function runsSome(apps: Pick<AppSupervisor, 'status' | 'onChange'>): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!apps.status().some(({ state }) => state === 'running')) return
      cancel()
      resolve()
    }
    const cancel = apps.onChange(look)
    look()
  })
}

/** Gives out logs, and writes them down for the last time when all who say something have stopped. */
function journalPart({ logs }: Mesh, journal: Journal): Part {
  return {
    name: 'logs',
    start: () => logs.answerWith((...asked) => journal.answer(...asked)),
    async stop() {
      logs.answerWith(null)
      await journal.close()
    },
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
