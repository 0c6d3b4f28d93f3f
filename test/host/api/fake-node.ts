/** A node that is all answers and no work, for the tests of the control API and of the commands. */
import type {
  AuditLine,
  CallIntent,
  CallReport,
  ControlledNode,
  DataDesk,
  DataIntent,
  EventDesk,
  EventIntent,
  EventReport,
  HeardMessage,
  MessageReport,
  TopicDesk,
  DevicesReport,
  InviteContext,
  KeyFacts,
  LocalApp,
  LogDesk,
  LogIntent,
  LogLine,
  LogSource,
  MetricReport,
  NodeLogEvent,
  NodeCarriage,
  PublishContext,
  ReleaseEntry,
  StatusReport,
  TrustReceipt,
  TrustReport,
  UploadIntent,
  UploadReport,
  WhySource,
} from '../../../host/api/index.ts'
import { digestOf, type Cancel } from '../../../core/index.ts'
import { sampleEvents } from './sample-events.ts'
import { sampleMessages } from './sample-messages.ts'
import { sampleStatus, sampleTrust } from './sample-status.ts'
import { appWhy, nodeWhy } from './sample-why.ts'

/** A ring of log lines as the contract describes it. */
export class FakeLogs implements LogSource {
  #lines: LogLine[] = []
  #seq = 0
  #listeners = new Set<() => void>()
  readonly #capacity: number

  constructor(capacity = 100_000) {
    this.#capacity = capacity
  }

  get listeners(): number {
    return this.#listeners.size
  }

  add(app: string, message: string): void {
    this.#seq += 1
    this.#lines.push({
      seq: this.#seq,
      time: 1_700_000_000_000 + this.#seq,
      app,
      version: '1.0.0',
      level: 'info',
      context: '',
      message,
    })
    this.#lines = this.#lines.slice(-this.#capacity)
    for (const run of this.#listeners) run()
  }

  read(app: string | null, after: number, limit: number) {
    const oldest = this.#lines[0]?.seq ?? this.#seq + 1
    const lines = this.#lines
      .filter((line) => line.seq > after && (app === null || line.app === app))
      .slice(0, limit)
    const cursor = lines.length === limit ? (lines.at(-1)?.seq ?? after) : Math.max(after, this.#seq)
    return { lines, cursor, missed: Math.max(0, oldest - 1 - after) }
  }

  tail(app: string | null, limit: number): readonly LogLine[] {
    return this.#lines.filter((line) => app === null || line.app === app).slice(-limit)
  }

  onAppend(run: () => void): Cancel {
    this.#listeners.add(run)
    return () => this.#listeners.delete(run)
  }
}

export class FakeNode implements ControlledNode {
  /** What was asked to be called, and what is answered. */
  readonly calls: CallIntent[] = []
  callReport: CallReport = { kind: 'list', functions: [], http: false }

  async call(intent: CallIntent): Promise<CallReport> {
    this.calls.push(intent)
    return this.callReport
  }

  report: StatusReport = sampleStatus
  readonly logs: FakeLogs
  /** What was asked of logs, and what is said of nodes before their lines. */
  readonly logIntents: LogIntent[] = []
  logNotices: readonly NodeLogEvent[] = []
  readonly appLogs: LogDesk = {
    check: () => {
      if (this.failure !== null) throw this.failure
    },
    read: async (intent, take, signal) => {
      this.logIntents.push(intent)
      for (const notice of this.logNotices) await take(notice)
      for (const line of this.logs.tail(intent.app, intent.tail ?? 1_000))
        await take({ ...line, node: 'n1', name: 'lobby-1' })
      if (!intent.follow) return
      let seen = this.logs.tail(null, 1)[0]?.seq ?? 0
      const cancel = this.logs.onAppend(() => {
        const { lines, cursor } = this.logs.read(intent.app, seen, 1_000)
        seen = cursor
        for (const line of lines) void take({ ...line, node: 'n1', name: 'lobby-1' })
      })
      await new Promise<void>((resolve) => {
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
      cancel()
    },
  }
  readonly uploads: { size: number; intent: UploadIntent }[] = []
  readonly published: Uint8Array[] = []
  /** Trust versions, revocations and heartbeats that were handed in. */
  readonly signed: { kind: string; bytes: Uint8Array }[] = []
  trustReport: TrustReport = sampleTrust
  keyFacts: KeyFacts = { releases: [], nodes: [], revocations: [] }
  auditLines: AuditLine[] = []
  readonly audit = {
    read: (_app: string | null, after: number, limit: number) => {
      const lines = this.auditLines.filter(({ seq }) => seq > after).slice(0, limit)
      return { lines, cursor: lines.at(-1)?.seq ?? after, missed: 0 }
    },
    tail: (_app: string | null, limit: number) => (limit === 0 ? [] : this.auditLines.slice(-limit)),
    onAppend: (): Cancel => () => {},
  }
  network: boolean | null = null
  stopRequests = 0
  localApps: readonly LocalApp[] = []
  onStop: () => void = () => {}
  readonly metrics = {
    text: async (): Promise<string> => {
      await this.#pass()
      return sampleMetricsText
    },
    json: async (): Promise<readonly MetricReport[]> => {
      await this.#pass()
      return sampleMetrics
    },
  }
  readonly carriage: NodeCarriage = {
    records: () => [],
    offer: async () => ({ mesh: 'a'.repeat(64), trustVersion: 1, verdicts: [], alarms: [] }),
    blob: async () => null,
    putBlobs: async (blobs) => blobs.map(digestOf),
  }
  /** What was sent, and what whoever listens hears. */
  readonly messages: Parameters<TopicDesk['send']>[0][] = []
  heard: readonly HeardMessage[] = []
  messageReport: MessageReport = sampleMessages
  /** What was asked of dead letters. */
  readonly eventIntents: EventIntent[] = []
  eventReport: EventReport = sampleEvents
  readonly dataIntents: DataIntent[] = []
  /** What a change of data waits for. */
  changing: Promise<void> = Promise.resolve()
  readonly data: DataDesk = {
    report: (app) => ({
      app,
      stores: [
        { kind: 'bucket', name: 'counts' },
        { kind: 'container', name: 'photos' },
      ],
      keyValue: { items: 2, bytes: 300 },
      blobs: null,
    }),
    page: async (app, store) => ({
      app,
      store,
      keys: store === 'counts' ? ['visits', 'a\u001b[31mb'] : [],
      objects: store === 'photos' ? [{ name: 'a.jpg', sizeBytes: 2_048, digest: 'ab'.repeat(32) }] : [],
      cursor: null,
    }),
    change: async (intent) => {
      this.dataIntents.push(intent)
      await this.changing
      const { action, app } = intent
      if (action === 'snapshot' || action === 'restore')
        return {
          action,
          app,
          path: intent.path,
          takenAtMs: 1,
          bytes: 4_096,
          entries: 2,
          objects: 1,
          shared: 3,
        }
      const { store, key } = intent
      if (action !== 'get') return { action, app, store, key }
      return {
        action,
        app,
        store,
        key,
        value: ({ visits: 'MTI=', picture: '/9j/AA==' } as Record<string, string>)[key] ?? null,
      }
    },
  }
  readonly events: EventDesk = {
    report: async (app) => {
      await this.#pass()
      return { ...this.eventReport, app }
    },
    change: async (intent) => {
      await this.#pass()
      this.eventIntents.push(intent)
      return {
        app: intent.app,
        action: intent.action,
        count: intent.items === 'all' ? 2 : intent.items.length,
      }
    },
  }
  readonly topics: TopicDesk = {
    report: async () => this.messageReport,
    send: async (intent) => {
      await this.#pass()
      this.messages.push(intent)
      return { id: 'a1', scope: 'mesh', nodes: ['lobby-2'], heardBy: ['app/till/shop/door'] }
    },
    listen: async (_topics, take, signal, begun) => {
      await this.#pass()
      begun()
      for (const message of this.heard) await take(message)
      await new Promise<void>((resolve) => {
        if (signal.aborted) return resolve()
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    },
  }
  why: WhySource = { node: () => nodeWhy(), app: () => appWhy() }
  /** Thrown by every call while it is set. */
  failure: Error | null = null

  constructor(logs = new FakeLogs()) {
    this.logs = logs
  }

  async status(): Promise<StatusReport> {
    await this.#pass()
    return this.report
  }

  async apps(): Promise<readonly LocalApp[]> {
    await this.#pass()
    return this.localApps
  }

  async releases(app: string | null): Promise<readonly ReleaseEntry[]> {
    await this.#pass()
    return app === 'light-alarm' || app === null ? [sampleRelease] : []
  }

  async devices(): Promise<DevicesReport> {
    await this.#pass()
    return {
      sensors: [
        {
          name: 'light',
          driver: 'simulated',
          value: 312.4,
          unit: 'lx',
          timeMs: 1_700_000_000_000,
          range: { min: 0, max: 1_000 },
          resolution: null,
          health: { state: 'ok', forMs: 60_000, why: '' },
          recent: [290, 300, 305.5, 312.4],
          counts: { answers: 4, refused: 0, failures: 0, openings: 1 },
        },
        {
          name: 'heat',
          driver: 'iio',
          value: 21.5,
          unit: 'Cel',
          timeMs: 1_700_000_000_000,
          problem: 'sensor heat (driver iio) does not answer: ENODEV',
          range: null,
          resolution: 0.5,
          health: { state: 'stale', forMs: 12_000, why: 'ENODEV' },
          recent: [21, 21.5],
          counts: { answers: 2, refused: 0, failures: 3, openings: 1 },
        },
      ],
      pins: [
        {
          name: 'led',
          driver: 'simulated',
          level: true,
          edges: [{ level: true, timeMs: 1_700_000_000_000 }],
          direction: 'out',
          health: { state: 'ok', forMs: 60_000, why: '' },
          counts: { answers: 9, refused: 0, failures: 0, openings: 1 },
        },
      ],
    }
  }

  async publishContext(app: string): Promise<PublishContext> {
    await this.#pass()
    return { mesh: 'a'.repeat(64), app, nextSeq: 1, previous: null, head: null }
  }

  async upload(component: Uint8Array, intent: UploadIntent): Promise<UploadReport> {
    await this.#pass()
    this.uploads.push({ size: component.length, intent })
    return {
      digest: digestOf(component),
      sizeBytes: component.length,
      chunks: { digest: 'c'.repeat(64), sizeBytes: 100 },
      imports: [],
      exports: [],
    }
  }

  async publish(record: Uint8Array): Promise<ReleaseEntry> {
    await this.#pass()
    this.published.push(record)
    return sampleRelease
  }

  async inviteContext(): Promise<InviteContext> {
    await this.#pass()
    return {
      mesh: 'a'.repeat(64),
      meshName: 'harbor',
      roots: ['ab'.repeat(32)],
      addresses: ['/ip4/127.0.0.1/tcp/4001'],
    }
  }

  async trust(): Promise<TrustReport> {
    await this.#pass()
    return this.trustReport
  }

  async trustKey(): Promise<KeyFacts> {
    await this.#pass()
    return this.keyFacts
  }

  changeTrust(bytes: Uint8Array): Promise<TrustReceipt> {
    return this.#sign('trust', bytes)
  }

  revoke(bytes: Uint8Array): Promise<TrustReceipt> {
    return this.#sign('revocation', bytes)
  }

  beat(bytes: Uint8Array): Promise<TrustReceipt> {
    return this.#sign('heartbeat', bytes)
  }

  async #sign(kind: string, bytes: Uint8Array): Promise<TrustReceipt> {
    await this.#pass()
    this.signed.push({ kind, bytes })
    return { outcome: 'accepted', digest: digestOf(bytes) }
  }

  async setNetwork(on: boolean): Promise<void> {
    await this.#pass()
    this.network = on
  }

  requestStop(): void {
    this.stopRequests += 1
    this.onStop()
  }

  async #pass(): Promise<void> {
    if (this.failure !== null) throw this.failure
  }
}

const sampleMetrics: readonly MetricReport[] = [
  {
    name: 'selvedge_app_invocations_total',
    help: 'Calls of the app that ended',
    type: 'counter',
    values: [{ labels: { app: 'light-alarm' }, value: 120 }],
  },
]

export const sampleMetricsText = `# HELP selvedge_app_invocations_total Calls of the app that ended
# TYPE selvedge_app_invocations_total counter
selvedge_app_invocations_total{app="light-alarm"} 120
`

export const sampleRelease: ReleaseEntry = {
  app: 'light-alarm',
  seq: 2,
  version: '2.0.0',
  digest: 'd'.repeat(64),
  component: 'e'.repeat(64),
  sizeBytes: 12_390,
  publisher: 'f'.repeat(64),
  signedAt: 1_700_000_000_000,
  receivedAt: 1_700_000_001_000,
  groups: ['lobby'],
  grants: ['pin:led', 'sensor:light'],
  role: 'head',
}
