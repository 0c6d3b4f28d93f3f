/** The node behind the control API: answers from what mesh, apps and devices hold, and takes what was signed. */
import { digestOf, shortDigest, type Clock, type Log } from '../../core/index.ts'
import {
  componentsOf,
  hexOf,
  readRelease,
  type HistoryEntry,
  type MemberView,
  type Mesh,
  type ReleaseRecord,
} from '../../mesh/index.ts'
import type {
  AuditLine,
  CallIntent,
  CallReport,
  ControlledNode,
  DevicesReport,
  DataDesk,
  EventDesk,
  InviteContext,
  KeyFacts,
  LineSource,
  LocalApp,
  LogDesk,
  LogSource,
  MemoryReport,
  MetricSource,
  NodeCarriage,
  TopicDesk,
  WhySource,
  PublishContext,
  ReleaseEntry,
  StatusReport,
  TrustReceipt,
  TrustReport,
  UploadIntent,
  UploadReport,
} from '../api/index.ts'
import type { AppLog, AppSupervisor } from '../apps/index.ts'
import type { Storage } from '../storage/index.ts'
import type { MeshRouter } from '../calls/index.ts'
import type { Devices } from '../devices/index.ts'
import type { Engine } from '../engine/index.ts'
import { storeProblems, type GroupReplicas } from '../replicas/index.ts'
import { checkGrants, checkLinks, grantedInterfaces, interfaceOffers } from '../interfaces/index.ts'
import type { Journal } from '../logs/index.ts'
import type { Bridges, Brokers } from '../mqtt/index.ts'
import type { Messaging } from '../messages/index.ts'
import { defaultLimits, parseSize } from '../manifest/index.ts'
import { checkHandlers, planTriggers, requiredExports } from '../triggers/index.ts'
import { version } from '../version.ts'
import { callFor } from './app-calls.ts'
import { bytesToMove } from './bytes-to-move.ts'
import { auditLines } from './audit-lines.ts'
import { componentRoom } from './component-room.ts'
import { nodeCarriage } from './carriage.ts'
import { mqttTroubles } from './mqtt-report.ts'
import type { DiskRoom } from './disk-room.ts'
import type { WriteMeter } from './disk-writes.ts'
import { deviceTroubles, devicesReport } from './devices-report.ts'
import { exportTypesOf } from './export-types.ts'
import { dataDesk } from './data-desk.ts'
import { eventDesk, eventProblems } from './event-desk.ts'
import { logTroubles } from './log-desk.ts'
import { messageTroubles } from './message-problems.ts'
import { nodeProblems } from './problems.ts'
import { attackStatus, nodeStatus, problemsOf, releaseEntry, termsOf } from './report.ts'
import { entrancesOf } from './entrances.ts'
import type { NodePlacement } from './placement.ts'
import type { Signs } from './signs.ts'
import { keyFacts, trustReport } from './trust-report.ts'
import type { Pauses } from './pauses.ts'
import type { VerdictHistory } from './verdict-history.ts'
import { createWhy } from './why.ts'

export interface ControlParts {
  memory(): MemoryReport
  readonly mesh: Mesh
  readonly engine: Engine
  readonly brokers: Brokers
  readonly bridges: Pick<Bridges, 'reports' | 'letters'>
  readonly devices: Devices
  readonly storage: Storage
  readonly apps: AppSupervisor
  readonly appLog: AppLog
  readonly router: Pick<MeshRouter, 'departures' | 'invoke' | 'ingressOf' | 'loadOf'>
  readonly clock: Clock
  readonly log: Log
  readonly metrics: MetricSource
  readonly signs: Pick<Signs, 'heartbeat' | 'problems'>
  readonly placement: Pick<NodePlacement, 'status' | 'of'>
  readonly history: Pick<VerdictHistory, 'of'>
  readonly pauses: Pick<Pauses, 'last'>
  readonly topics: TopicDesk
  readonly messages: { readonly messaging: Pick<Messaging, 'figures'> }
  readonly replicas: Pick<GroupReplicas, 'report' | 'partOf' | 'storeOf'>
  readonly journal: Pick<Journal, 'problem'>
  readonly appLogs: LogDesk
  readonly writeMeter: Pick<WriteMeter, 'writes'>
  readonly diskRoom: Pick<DiskRoom, 'look' | 'problems'>
  /** What to do about a problem code, from the registry. */
  fixOf(code: string): string
  /** Begins to stop the node. */
  stop(): void
}

/** Everything the control API can ask of a node. */
export class NodeControl implements ControlledNode {
  readonly logs: LogSource
  readonly appLogs: LogDesk
  readonly metrics: MetricSource
  readonly carriage: NodeCarriage
  readonly why: WhySource
  readonly audit: LineSource<AuditLine>
  readonly topics: TopicDesk
  readonly events: EventDesk
  readonly data: DataDesk
  readonly #parts: ControlParts
  readonly #startedAt: number

  constructor(parts: ControlParts) {
    this.#parts = parts
    this.#startedAt = parts.clock.now()
    this.logs = parts.appLog
    this.appLogs = parts.appLogs
    this.metrics = parts.metrics
    this.carriage = nodeCarriage(parts)
    this.why = createWhy(parts)
    this.topics = parts.topics
    this.events = eventDesk(parts.apps, parts.bridges)
    const headOf = (app: string): ReleaseRecord | undefined =>
      parts.mesh.releases.heads().find(({ record }) => record.app === app)?.record
    this.data = dataDesk({
      storage: parts.storage,
      apps: parts.apps,
      grantsOf: (app) => headOf(app)?.grants ?? null,
      entriesOf: (app) => {
        const [record, own] = [headOf(app), parts.storage.keyValue(app)]
        return record === undefined ? own : parts.replicas.storeOf(record, own)
      },
      sharedOf: (app) => {
        const record = headOf(app)
        return record === undefined ? null : parts.replicas.partOf(record, parts.mesh.trust.meshId)
      },
    })
    this.audit = auditLines(parts.mesh.audit)
  }

  async status(): Promise<StatusReport> {
    const { mesh, clock } = this.#parts
    const [components, writes] = await Promise.all([
      componentRoom(mesh.blobs, clock),
      this.#parts.writeMeter.writes(),
      this.#parts.diskRoom.look(),
    ])
    return { ...this.#report(), components, memory: this.#parts.memory(), writes }
  }

  /** What is wrong now, as in the status. */
  problems(): StatusReport['problems'] {
    return this.#report().problems
  }

  #report(): StatusReport {
    const { mesh, apps, clock } = this.#parts
    const moment = { nowMs: clock.now(), monotonicMs: clock.monotonicMs() }
    const members = mesh.members()
    const self = members.find(({ id }) => id === mesh.self)
    const own = apps.status()
    const placements = this.#parts.placement.status()
    // One's own apps are known first-hand, not by the record that is about to be sent.
    const nodes = members.map((member) => {
      const status = nodeStatus(member, moment)
      const load = Object.fromEntries(this.#parts.router.loadOf(member.id))
      const shown = Object.keys(load).length === 0 ? status : { ...status, load }
      return member.id === mesh.self ? { ...shown, apps: own, recordAgeMs: null } : shown
    })
    return {
      mesh: {
        id: mesh.trust.meshId,
        name: mesh.trust.current?.record.name ?? '',
        trustVersion: mesh.trust.current?.record.version ?? 0,
      },
      self: {
        id: mesh.self,
        name: self?.name ?? '',
        version,
        network: mesh.isOnline ? 'on' : 'off',
        addresses: mesh.addresses(),
        startedAt: this.#startedAt,
      },
      nodes,
      placements,
      heartbeat: this.#parts.signs.heartbeat(),
      departures: this.#parts.router.departures(),
      attacks: attackStatus(mesh.attacks.sightings(), members, moment.monotonicMs),
      problems: problemsOf(
        mesh.alarms,
        [
          ...this.#parts.signs.problems(),
          ...this.#selfProblems(),
          ...this.#parts.diskRoom.problems(),
          ...eventProblems(apps.local(), this.#parts.fixOf),
          ...mqttTroubles(this.#parts.brokers, this.#parts.bridges, this.#parts.fixOf),
          ...logTroubles(this.#parts.journal, this.#parts.fixOf),
          ...messageTroubles(this.#parts.messages.messaging.figures(), this.#parts.fixOf),
          ...storeProblems(this.#parts.replicas.report(), (id) => nameOf(members, id)),
          ...placements.flatMap(({ held }) => held ?? []),
          ...deviceTroubles(this.#parts.devices.states(), moment.monotonicMs, this.#parts.fixOf),
        ],
        own,
        this.#parts.fixOf,
      ),
    }
  }

  apps(): readonly LocalApp[] {
    const left = new Map(this.#parts.router.departures().map(({ app, ...rest }) => [app, rest]))
    return this.#parts.apps.local().map((local) => {
      const leftGroup = left.get(local.app)
      return leftGroup === undefined ? local : { ...local, leftGroup }
    })
  }

  releases(app: string | null): readonly ReleaseEntry[] {
    const { releases } = this.#parts.mesh
    const apps = app === null ? releases.heads().map(({ record }) => record.app) : [app]
    return apps
      .flatMap((name) => releases.history(name))
      .map((held) => {
        const transfer = this.#parts.apps.transferOf(held.record.app, held.digest)
        const halt = held.role === 'head' ? releases.halted(held.record.app) : null
        return {
          ...releaseEntry(held),
          ...(halt !== null && { halted: { of: halt.of, reason: halt.reason } }),
          ...(transfer !== null && { transfer }),
        }
      })
  }

  devices(): Promise<DevicesReport> {
    return devicesReport(this.#parts.devices, this.#parts.clock)
  }

  publishContext(app: string): PublishContext {
    const { mesh } = this.#parts
    const history = mesh.releases.history(app)
    const head = history.find(({ role }) => role === 'head')
    return {
      mesh: mesh.trust.meshId,
      app,
      nextSeq: (head?.record.seq ?? 0) + 1,
      previous: head?.digest ?? null,
      head: head === undefined ? null : releaseEntry(head),
      terms: head === undefined ? null : termsOf(head.record),
    }
  }

  async upload(component: Uint8Array, intent: UploadIntent): Promise<UploadReport> {
    const { engine, mesh } = this.#parts
    checkGrants(intent.grants)
    const triggers = planTriggers(intent.triggers, intent.grants)
    const digest = digestOf(component)
    const facts = await engine.examine({
      bytes: component,
      digest,
      granted: grantedInterfaces(intent.grants, intent.links),
      offered: interfaceOffers,
      requiredExports: requiredExports(triggers),
      memoryBytes: intent.memoryBytes ?? parseSize(defaultLimits.memory),
    })
    checkHandlers(triggers, facts.exports)
    checkLinks(intent.links, intent.grants, facts)
    const ref = await mesh.blobs.putComponent(component)
    const history = intent.app === undefined ? [] : mesh.releases.history(intent.app)
    const head = history.find(({ role }) => role === 'head')?.record
    const before = head?.variants?.find(({ name }) => name === intent.variant)?.component ?? head?.component
    const moves = await bytesToMove(mesh.blobs, ref, before ?? null)
    const { imports, exports, features, memory } = facts
    return {
      digest,
      sizeBytes: component.length,
      chunks: ref.chunks,
      imports,
      exports,
      features,
      ...(memory !== undefined && { memory }),
      exportTypes: facts.functions === undefined ? null : exportTypesOf(facts.functions.exports),
      moves,
    }
  }

  async publish(record: Uint8Array): Promise<ReleaseEntry> {
    const { mesh, log } = this.#parts
    const { record: release } = readRelease(record)
    const { app, version: named } = release
    for (const component of componentsOf(release)) {
      if ((await mesh.blobs.readComponent(component)) !== null) continue
      throw nodeProblems.error(
        'ERR_PUBLISH_COMPONENT',
        `this node does not hold the component ${shortDigest(component.digest)} that ${app} ${named} names`,
      )
    }
    const { digest, outcome } = await mesh.publish(record)
    log.info('release:published', { app, version: named, outcome })
    const entry = mesh.releases.history(app).find((held) => held.digest === digest)
    return releaseEntry(entry as HistoryEntry)
  }

  call(intent: CallIntent): Promise<CallReport> {
    return callFor(this.#parts.router, intent)
  }

  inviteContext(): InviteContext {
    const { mesh } = this.#parts
    const { current, meshId } = mesh.trust
    return {
      mesh: meshId,
      meshName: current?.record.name ?? '',
      roots: (current?.record.roots ?? []).map(hexOf),
      addresses: entrancesOf(mesh),
    }
  }

  trust(): TrustReport {
    const { mesh, signs, clock } = this.#parts
    return trustReport(mesh, signs.heartbeat(), clock.monotonicMs())
  }

  trustKey(key: Uint8Array): KeyFacts {
    return keyFacts(this.#parts.mesh, key)
  }

  async changeTrust(bytes: Uint8Array): Promise<TrustReceipt> {
    const { outcome, bundle } = await this.#parts.mesh.operator.changeTrust(bytes)
    return { outcome, digest: bundle.digest }
  }

  async revoke(bytes: Uint8Array): Promise<TrustReceipt> {
    const { outcome, revocation } = await this.#parts.mesh.operator.revoke(bytes)
    return { outcome, digest: revocation.digest }
  }

  async beat(bytes: Uint8Array): Promise<TrustReceipt> {
    const { outcome, heartbeat } = await this.#parts.mesh.operator.beat(bytes)
    return { outcome, digest: heartbeat.digest }
  }

  setNetwork(on: boolean): Promise<void> {
    return this.#parts.mesh.setNetwork(on)
  }

  requestStop(): void {
    this.#parts.stop()
  }

  #selfProblems(): StatusReport['problems'] {
    const { mesh, fixOf } = this.#parts
    const self = mesh.members().find(({ id }) => id === mesh.self)
    const { problem } = mesh.gateways
    const unreached = problem === null ? [] : [{ ...problem, hint: fixOf(problem.code) }]
    if (self?.opinion.verdict !== 'isolated') return unreached
    const code = 'ERR_NODE_ISOLATED'
    const isolated = { code, message: `${self.name} is isolated: ${self.opinion.why}`, hint: fixOf(code) }
    return [isolated, ...unreached]
  }
}

function nameOf(members: readonly MemberView[], id: string): string {
  return members.find((member) => member.id === id)?.name ?? id
}
