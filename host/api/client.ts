/**
 * The clients' side of the control API: typed calls over the daemon's socket.
 *
 * Nothing here waits for ever: every call has a deadline, a stream one on silence, every answer a bound.
 */
import { request as httpRequest } from 'node:http'
import { call, open, parse, readText, type Target } from './call.ts'
import type { CallIntent, CallReport } from './call-contract.ts'
import { carriageClient, type CarriageClient } from './carriage-client.ts'
import type {
  InviteContext,
  LocalApp,
  LogGap,
  LogLine,
  MetricReport,
  PublishContext,
  ReleaseEntry,
  StatusReport,
} from './contract.ts'
import type { UploadReport } from './upload-contract.ts'
import type { DevicesReport } from './devices-contract.ts'
import { routes } from './contract.ts'
import type { UploadIntent } from './controlled-node.ts'
import {
  dataRoutes,
  type DataIntent,
  type DataPage,
  type DataReceipt,
  type DataReport,
} from './data-contract.ts'
import { eventRoutes, type EventIntent, type EventReceipt, type EventReport } from './event-contract.ts'
import {
  topicRoutes,
  type HeardMessage,
  type MessageReport,
  type SendIntent,
  type SendReceipt,
} from './message-contract.ts'
import { jsonLines } from './json-lines.ts'
import { logRoutes, type LogIntent, type NodeLogEvent } from './log-contract.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import { controlSocketPath } from './socket-path.ts'
import type { AuditLine, KeyFacts, TrustReceipt, TrustReport } from './trust-contract.ts'
import type { AppWhy, NodeWhy } from './why-contract.ts'

export interface LogSelection {
  /** All apps where it is missing. */
  readonly app?: string
  /** Only lines after this `seq`. */
  readonly after?: number
  /** Only this many of the newest lines, at most 1,000. */
  readonly tail?: number
}

/** Calls throw what the daemon answered, and ERR_NODE_NOT_RUNNING, ERR_NODE_FORBIDDEN, ERR_API_TIMEOUT, ERR_API_ANSWER. */
export interface ControlClient {
  readonly socketPath: string
  status(): Promise<StatusReport>
  /** @param id of a member */
  whyNode(id: string): Promise<NodeWhy>
  whyApp(app: string): Promise<AppWhy>
  apps(): Promise<readonly LocalApp[]>
  releases(app?: string): Promise<readonly ReleaseEntry[]>
  devices(): Promise<DevicesReport>
  logs(selection?: LogSelection): Promise<readonly LogLine[]>
  /** Lines as they come, and gaps; ends when the daemon stops or `signal` aborts. */
  followLogs(selection: LogSelection, signal: AbortSignal): AsyncGenerator<LogLine | LogGap>
  /** What an app has said on the nodes that run it; where it is followed, until the daemon stops or `signal` aborts. */
  appLogs(intent: LogIntent, signal: AbortSignal): AsyncGenerator<NodeLogEvent>
  /** Prometheus' text format. */
  metricsText(): Promise<string>
  metrics(): Promise<readonly MetricReport[]>
  publishContext(app: string): Promise<PublishContext>
  upload(component: Uint8Array, intent: UploadIntent): Promise<UploadReport>
  publish(record: Uint8Array): Promise<ReleaseEntry>
  call(intent: CallIntent, signal?: AbortSignal): Promise<CallReport>
  inviteContext(): Promise<InviteContext>
  events(app: string): Promise<EventReport>
  /** Dead letters are handed over again, or deleted. */
  changeEvents(intent: EventIntent): Promise<EventReceipt>
  data(app: string): Promise<DataReport>
  dataPage(app: string, store: string, cursor: string | null): Promise<DataPage>
  /** What an app has stored here: read, changed, taken away, put back. */
  changeData(intent: DataIntent): Promise<DataReceipt>
  topics(): Promise<MessageReport>
  send(intent: SendIntent): Promise<SendReceipt>
  /** Messages as they come; ends when the daemon stops or `signal` aborts. */
  listen(topics: readonly string[], signal: AbortSignal): AsyncGenerator<HeardMessage>
  /** What travels by hand. */
  readonly carriage: CarriageClient
  trust(): Promise<TrustReport>
  /** @param key public key in hexadecimal */
  trustKey(key: string): Promise<KeyFacts>
  changeTrust(bytes: Uint8Array): Promise<TrustReceipt>
  revoke(bytes: Uint8Array): Promise<TrustReceipt>
  beat(bytes: Uint8Array): Promise<TrustReceipt>
  audit(selection?: Omit<LogSelection, 'app'>): Promise<readonly AuditLine[]>
  /** Entries as they come, and gaps; ends when the daemon stops or `signal` aborts. */
  followAudit(selection: Omit<LogSelection, 'app'>, signal: AbortSignal): AsyncGenerator<AuditLine | LogGap>
  setNetwork(on: boolean): Promise<void>
  /** Resolves when the daemon has begun to stop. */
  stop(): Promise<void>
}

export interface ConnectOptions {
  /** The data folder of the daemon. */
  readonly data: string
  /** What to wait for an answer other than an upload's, in ms; 10 s where it is missing. */
  readonly answerMs?: number
}

/** A client for the daemon of one data folder. Connects with each call, so it may be made before the daemon. */
export function connect({ data, answerMs = apiLimits.answerMs }: ConnectOptions): ControlClient {
  return { socketPath: controlSocketPath(data), ...clientOf(socketTarget(data, answerMs)) }
}

/** All calls, wherever they go. */
export function clientOf(target: Target): Omit<ControlClient, 'socketPath'> {
  const { answerMs } = target
  return {
    status: () => call(target, routes.status),
    whyNode: (id) => call(target, routes.why, { query: { node: id } }),
    whyApp: (app) => call(target, routes.why, { query: { app } }),
    apps: () => call(target, routes.apps),
    releases: (app) => call(target, routes.releases, { query: { app } }),
    devices: () => call(target, routes.devices),
    logs: (selection = {}) => lines<LogLine>(target, routes.logs, selection),
    followLogs: (selection, signal) => follow<LogLine>(target, routes.logs, selection, signal),
    appLogs: (intent, signal) => appLogs(target, intent, signal),
    async metricsText() {
      return readText(await open(target, routes.metrics, {}), target, routes.metrics, answerMs)
    },
    metrics: () => call(target, routes.metrics, { query: { format: 'json' } }),
    publishContext: (app) => call(target, routes.publishContext, { query: { app } }),
    upload: (component, { app, variant, grants, triggers, links = {}, memoryBytes }) =>
      call(target, routes.upload, {
        body: component,
        timeoutMs: apiLimits.uploadMs,
        query: {
          app,
          variant,
          grants: JSON.stringify(grants),
          triggers: JSON.stringify(triggers),
          links: Object.keys(links).length === 0 ? undefined : JSON.stringify(links),
          memoryBytes: memoryBytes?.toString(),
        },
      }),
    publish: (record) => call(target, routes.publish, { body: record }),
    carriage: carriageClient(target),
    call: (intent, signal) =>
      call(target, routes.call, {
        body: Buffer.from(JSON.stringify(intent)),
        timeoutMs: apiLimits.callMs,
        ...(signal && { signal }),
      }),
    inviteContext: () => call(target, routes.inviteContext),
    events: (app) => call(target, eventRoutes.events, { query: { app } }),
    changeEvents: (intent) => call(target, eventRoutes.change, { body: Buffer.from(JSON.stringify(intent)) }),
    data: (app) => call(target, dataRoutes.data, { query: { app } }),
    dataPage: (app, store, cursor) =>
      call(target, dataRoutes.data, { query: { app, store, cursor: cursor ?? undefined } }),
    changeData: (intent) =>
      call(target, dataRoutes.changeData, {
        body: Buffer.from(JSON.stringify(intent)),
        timeoutMs: apiLimits.callMs,
      }),
    topics: () => call(target, topicRoutes.topics),
    send: (intent) => call(target, topicRoutes.send, { body: Buffer.from(JSON.stringify(intent)) }),
    listen: (topics, signal) => listen(target, topics, signal),
    trust: () => call(target, routes.trust),
    trustKey: (key) => call(target, routes.trustKey, { query: { key } }),
    changeTrust: (bytes) => call(target, routes.changeTrust, { body: bytes }),
    revoke: (bytes) => call(target, routes.revoke, { body: bytes }),
    beat: (bytes) => call(target, routes.beat, { body: bytes }),
    audit: (selection = {}) => lines<AuditLine>(target, routes.audit, selection),
    followAudit: (selection, signal) => follow<AuditLine>(target, routes.audit, selection, signal),
    async setNetwork(on) {
      await call(target, routes.network, { body: Buffer.from(JSON.stringify({ on })) })
    },
    async stop() {
      await call(target, routes.stop)
    },
  }
}

function socketTarget(data: string, answerMs: number): Target {
  const socketPath = controlSocketPath(data)
  return {
    where: socketPath,
    answerMs,
    request: (options) => httpRequest({ ...options, socketPath }),
    explain(error) {
      const { code } = error
      if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTSOCK') {
        return apiProblems.error('ERR_NODE_NOT_RUNNING', `no daemon listens on ${socketPath}`, {
          hint: `start it with \`selvedge up --data ${data}\`, or name another folder with --data DIR`,
          cause: error,
        })
      }
      if (code !== 'EACCES' && code !== 'EPERM') return null
      return apiProblems.error('ERR_NODE_FORBIDDEN', `${socketPath} may not be opened by this user`, {
        cause: error,
      })
    },
  }
}

async function lines<Line extends object>(
  target: Target,
  route: string,
  selection: LogSelection,
): Promise<Line[]> {
  const response = await open(target, route, { query: logQuery(selection) })
  const texts = (await readText(response, target, route, target.answerMs)).split('\n')
  return texts.flatMap((text) => {
    const value = text === '' ? null : (parse(text, route) as Line | LogGap)
    return value === null || 'missed' in value ? [] : [value]
  })
}

async function* follow<Line>(
  target: Target,
  route: string,
  selection: LogSelection,
  signal: AbortSignal,
): AsyncGenerator<Line | LogGap> {
  const response = await open(target, route, { query: { ...logQuery(selection), follow: '1' }, signal })
  yield* jsonLines<Line | LogGap>(response, signal)
}

async function* appLogs(
  target: Target,
  { app, node, tail, sinceMs, level, text, follow: isFollowed }: LogIntent,
  signal: AbortSignal,
): AsyncGenerator<NodeLogEvent> {
  const query = {
    app,
    node,
    tail: tail?.toString(),
    since: sinceMs?.toString(),
    level,
    text,
    follow: isFollowed ? '1' : undefined,
  }
  const response = await open(target, logRoutes.logs, { query, signal })
  yield* jsonLines<NodeLogEvent>(response, signal)
}

async function* listen(
  target: Target,
  topics: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<HeardMessage> {
  const query = new URLSearchParams(topics.map((topic) => ['topic', topic]))
  const response = await open(target, `${topicRoutes.listen}?${query}`, { signal })
  yield* jsonLines<HeardMessage>(response, signal)
}

function logQuery({ app, after, tail }: LogSelection): Record<string, string | undefined> {
  return { app, after: after?.toString(), tail: tail?.toString() }
}
