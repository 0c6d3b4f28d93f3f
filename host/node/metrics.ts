/** The metrics of the composed node: where each number is kept. */
import type { Clock, Log } from '../../core/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import type { MemoryReport, StatusReport } from '../api/index.ts'
import type { AppSupervisor } from '../apps/index.ts'
import type { MeshRouter } from '../calls/index.ts'
import { parseMetricsAddress } from '../config/index.ts'
import type { Devices } from '../devices/index.ts'
import type { Engine } from '../engine/index.ts'
import type { HttpServer } from '../http/index.ts'
import type { Messaging } from '../messages/index.ts'
import {
  metricsProblems,
  MetricsServer,
  NodeMetrics,
  type CallTally,
  type HttpTally,
  type MeshReading,
} from '../metrics/index.ts'
import type { Bridges, Brokers } from '../mqtt/index.ts'
import type { GroupReplicas } from '../replicas/index.ts'
import { version } from '../version.ts'
import { componentRoom } from './component-room.ts'
import { writtenBytes } from './disk-writes.ts'
import { brokerReadings } from './mqtt-report.ts'

export interface MeteredParts {
  readonly mesh: Pick<
    Mesh,
    | 'members'
    | 'connectedPeers'
    | 'releases'
    | 'isOnline'
    | 'counters'
    | 'attacks'
    | 'exchange'
    | 'source'
    | 'traffic'
    | 'blobs'
    | 'calls'
    | 'gateways'
  >
  readonly devices: Pick<Devices, 'states'>
  readonly brokers: Brokers
  readonly bridges: Pick<Bridges, 'reports'>
  readonly engine: Pick<Engine, 'starts'>
  readonly apps: Pick<AppSupervisor, 'local'>
  readonly replicas: Pick<GroupReplicas, 'report'>
  readonly messages: { readonly messaging: Pick<Messaging, 'figures'> }
  /** null where it listens for no requests; `tally` is its observer. */
  readonly http: Pick<HttpServer, 'underWay'> | null
  readonly tally: HttpTally
  /** `callTally` is its observer. */
  readonly router: Pick<MeshRouter, 'breakers'>
  readonly callTally: CallTally
  memory(): MemoryReport
  /** What is wrong now. */
  problems(): StatusReport['problems']
}

export function meterNode(parts: MeteredParts, clock: Clock): NodeMetrics {
  const { mesh, devices, engine, apps, http, tally } = parts
  return new NodeMetrics(
    {
      version: () => version,
      node: () => process.versions.node,
      arch: () => `${process.platform}-${process.arch}`,
      apps: () => apps.local(),
      starts: () => engine.starts,
      memory: () => parts.memory(),
      http: () => (http === null ? null : { ...tally.reading, underWay: http.underWay }),
      calls: () => ({
        ...parts.callTally.reading,
        breakers: parts.router.breakers(),
        served: mesh.calls.served,
      }),
      mesh: () => readMesh(mesh),
      devices: () => devices.states(),
      brokers: () => brokerReadings(parts.brokers),
      bridges: () => parts.bridges.reports(),
      messages: () => parts.messages.messaging.figures(),
      sharedStores: () => parts.replicas.report(),
      components: () => componentRoom(mesh.blobs, clock),
      writtenBytes,
      problems: () => parts.problems().map(({ code }) => code),
    },
    clock,
  )
}

function readMesh(mesh: MeteredParts['mesh']): MeshReading {
  const { receivedBytes, sentBytes } = mesh.exchange.traffic
  const { patchTraffic } = mesh.source
  const { protocols, heads } = mesh.traffic
  return {
    ...mesh.counters.counts,
    attacks: mesh.attacks.counts,
    connectedPeers: mesh.connectedPeers,
    verdicts: mesh.members().map(({ opinion }) => opinion.verdict),
    releases: mesh.releases.heads().length,
    isOnline: mesh.isOnline,
    blobBytesReceived: receivedBytes,
    blobBytesSent: sentBytes,
    patchBytesReceived: patchTraffic.receivedBytes,
    patchBytesSent: patchTraffic.sentBytes,
    patchesMade: patchTraffic.made,
    patchesApplied: patchTraffic.applied,
    gateway: mesh.gateways.serving,
    protocols,
    heads,
  }
}

/** Refuses what was typed wrongly before anything is started. @throws ERR_METRICS_LISTEN */
export function checkMetricsAddress(typed: string | undefined): void {
  if (typed === undefined || parseMetricsAddress(typed) !== null) return
  throw metricsProblems.error('ERR_METRICS_LISTEN', `--metrics ${typed.slice(0, 80)} is no address`, {
    hint: 'write HOST:PORT, for example --metrics 127.0.0.1:9464, or the port alone for this machine only',
  })
}

/** @returns null where nobody asked for one */
export function metricsServer(
  metrics: NodeMetrics,
  address: string | undefined,
  hosts: readonly string[],
  clock: Clock,
  log: Log,
): MetricsServer | null {
  const parsed = address === undefined ? null : parseMetricsAddress(address)
  return parsed === null ? null : new MetricsServer({ metrics, ...parsed, hosts, clock, log })
}
