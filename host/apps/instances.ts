/** The live instances of one app by number: made from prepared releases, ended in order. Effects only. */
import type { Clock } from '../../core/index.ts'
import type { AppPool, Engine, Incident, Prepared } from '../engine/index.ts'
import {
  bindInterfaces,
  grantedNames,
  networkPolicy,
  noCalls,
  noTopics,
  type AppContext,
} from '../interfaces/index.ts'
import type { AppLog } from './app-log.ts'
import { AppUsage } from './app-usage.ts'
import type { AppSpace, FolderSpaces } from './folder-space.ts'
import { preopensOf, writableFolders } from './folders.ts'
import { instanceRules, mayBeAskedBack } from './instance-policy.ts'
import { folderSpaceAsked, storageAsked } from './holdings.ts'
import type { DesiredRelease } from './release.ts'
import { keyValueOf, type AppServices } from './services.ts'

/** Lines of the app's log that stand beside an incident; the rest is a command away. */
const reportedLines = 5

export interface InstanceNeeds extends AppServices {
  readonly engine: Engine
  readonly spaces: FolderSpaces
  /** The node owner's settings for this app, over the release's. */
  readonly overlay: Readonly<Record<string, string>>
  readonly appLog: AppLog
  readonly clock: Clock
}

export interface Instance {
  readonly number: number
  readonly release: DesiredRelease
  readonly pool: AppPool
}

export class Instances {
  readonly #needs: InstanceNeeds
  readonly usage = new AppUsage()
  readonly #live = new Map<number, Instance>()

  constructor(needs: InstanceNeeds) {
    this.#needs = needs
  }

  /** Of all there were and are. */
  report(): ReturnType<AppUsage['report']> {
    return this.usage.report([...this.#live.values()].map(({ pool }) => pool))
  }

  get(number: number): Instance | null {
    return this.#live.get(number) ?? null
  }

  /**
   * @param confined in a process of its own, whatever the release says
   * @param ended told once, after the instance is gone from here
   * @throws ERR_APP_START, ERR_CACHE_ENTRY and what else the engine says
   */
  async start(
    number: number,
    release: DesiredRelease,
    prepared: Prepared,
    answersRequests: boolean,
    confined: boolean,
    ended: (incident: Incident) => void,
  ): Promise<void> {
    const { record } = release
    const { appLog, clock, engine, folders, overlay, storage } = this.#needs
    const { usage } = this
    const say = (level: 'info' | 'warn', context: string, message: string): void =>
      appLog.add({ app: record.app, version: record.version, level, context, message })
    storage.allow(record.app, storageAsked(record.quotas))
    const { fresh, shape, ...rules } = instanceRules(
      record,
      answersRequests,
      mayBeAskedBack(record, prepared.facts.imports),
    )
    const isolation = confined ? 'process' : rules.isolation
    const space = this.#spaceOf(release, (message) => say('warn', 'node', message))
    const imports = bindInterfaces(record.grants, this.#contextOf(release), {
      links: record.links,
      functions: prepared.facts.functions,
    })
    const opening = engine.open(
      {
        app: record.app,
        prepared,
        imports: space === null ? imports : [...imports, space.bound],
        deadlineMs: record.limits.deadlineMs,
        memoryBytes: record.limits.memoryBytes,
        fresh,
        world: {
          args: [record.app, ...(record.run?.args ?? [])],
          env: Object.entries(settingsOf(release, overlay)),
          preopens: preopensOf(record.grants, folders),
        },
        ...(isolation !== undefined && { isolation }),
        ...(release.publisher !== undefined && { publisher: Buffer.from(release.publisher).toString('hex') }),
        output: (stream, line) => say(stream === 'stderr' ? 'warn' : 'info', stream, line),
        incident({ reason, message }) {
          const lines = appLog.tail(record.app, reportedLines).map((line) => line.message)
          say('warn', 'node', `the instance ended (${reason}): ${message}`)
          usage.incident({ time: clock.now(), reason, message, lines })
        },
      },
      shape,
    )
    opening.catch(() => space?.close())
    const pool = await opening
    this.#live.set(number, { number, release, pool })
    const end = async (): Promise<void> => {
      const incident = await pool.ended
      usage.close(pool)
      space?.close()
      this.#live.delete(number)
      ended(incident)
    }
    void end()
  }

  async stop(number: number): Promise<void> {
    await this.#live.get(number)?.pool.stop()
  }

  async stopAll(): Promise<void> {
    await Promise.allSettled([...this.#live.keys()].map((number) => this.stop(number)))
  }

  /** null where it may write to no folder of this node. */
  #spaceOf({ record }: DesiredRelease, tell: (message: string) => void): AppSpace | null {
    const { folders, spaces } = this.#needs
    const names = writableFolders(record.grants, folders)
    if (names.length === 0) return null
    return spaces.open(names, folderSpaceAsked(record.quotas), (name, held, allowed) =>
      tell(
        `the folder ${name} is full for this app: it holds ${held.bytes} bytes in ${held.items} files and folders, of ` +
          `${allowed.bytes} bytes and ${allowed.items}; delete some of it, or raise [limits.folders] of the app and ` +
          `size and files of [folders.${name}] in the node’s TOML`,
      ),
    )
  }

  #contextOf(release: DesiredRelease): AppContext {
    const { record } = release
    const { appLog, buses = new Map(), devices, overlay, storage } = this.#needs
    const { app, version, grants } = record
    return {
      app,
      version,
      config: settingsOf(release, overlay),
      sensors: only(devices.sensors, grantedNames(grants, 'sensor')),
      pins: only(devices.pins, grantedNames(grants, 'pin')),
      buses: only(buses, grantedNames(grants, 'i2c')),
      buckets: new Set(grantedNames(grants, 'keyvalue')),
      containers: new Set(grantedNames(grants, 'blobstore')),
      origins: new Set(grantedNames(grants, 'http')),
      callees: new Set(grantedNames(grants, 'call')),
      call: this.#needs.call ?? noCalls,
      keyValue: () => keyValueOf(this.#needs, record),
      blobs: () => storage.blobs(app),
      publishes: new Set(grantedNames(grants, 'publish')),
      topics: () => this.#needs.topics ?? noTopics,
      network: networkPolicy(grantedNames(grants, 'network')),
      log: (level, context, message) => appLog.add({ app, version, level, context, message }),
    }
  }
}

/** The release's settings, the owner's over them, and what only the node can say. */
function settingsOf(
  { record, instance }: DesiredRelease,
  overlay: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return {
    ...record.config,
    ...overlay,
    ...(typeof instance === 'string' && { 'selvedge.instance': instance }),
  }
}

/** The part of a map that a release was granted. */
export function only<Device>(
  devices: ReadonlyMap<string, Device>,
  names: readonly string[],
): ReadonlyMap<string, Device> {
  return new Map([...devices].filter(([name]) => names.includes(name)))
}
