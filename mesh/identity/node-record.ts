/**
 * Node records: what a node says of itself, signed by itself, so that anybody can pass it on.
 *
 * Ordered by (boot, number): the newest wins, whatever way it took. Issued again when something changes.
 */
import * as v from 'valibot'
import {
  digestOf,
  encodeCbor,
  isSelvedgeError,
  sign1,
  verify1,
  type Digest,
  type KeyPair,
} from '../../core/index.ts'
import {
  addressesField,
  countField,
  digestField,
  groupsField,
  nameField,
  publicKeyField,
  readPayload,
  rolesField,
  sameBytes,
  textField,
  timeField,
} from './fields.ts'
import { nodeIdOf, type NodeId } from './node-id.ts'
import { identityProblems } from './problems.ts'

export const maxNodeRecordBytes = 65_536
/** Longer texts of problems are cut before they are signed; further where the record would be too large. */
const maxReasonChars = 240
/** Room for the signature and what surrounds it. */
const maxPayloadBytes = maxNodeRecordBytes - 256
const maxDevices = 128
const maxApps = 128
const maxTopics = 128
/** Apps of which a record says how their components come: those that changed last. */
const maxTransfers = 16

const appStates = [
  'announced',
  'fetching',
  'preparing',
  'waiting',
  'starting',
  'running',
  'backoff',
  'failed',
  'stopped',
] as const

const reason = v.looseObject({
  code: v.pipe(v.string(), v.regex(/^ERR_[A-Z0-9_]{1,60}$/)),
  message: textField(maxReasonChars),
  hint: textField(maxReasonChars),
})
const release = {
  version: textField(64),
  seq: countField,
  state: v.picklist(appStates),
  reason: v.optional(reason),
  variant: v.optional(textField(64)),
}
const transfer = v.optional(
  v.looseObject({
    haveBytes: countField,
    totalBytes: countField,
    fetchedBytes: countField,
    via: textField(16),
    ms: countField,
    bytesPerSecond: v.optional(countField),
  }),
)
/** Kinds of the first records. Whoever knows no others refuses a record that has one among its devices. */
const firstKinds: readonly string[] = ['sensor', 'pin', 'folder']
const deviceKinds = ['sensor', 'pin', 'i2c', 'folder'] as const
type DeviceKind = (typeof deviceKinds)[number]
const devices = v.pipe(
  v.array(
    v.looseObject({
      /** One that is not known here is left out. */
      kind: textField(32),
      name: textField(64),
      driver: textField(64),
      health: v.optional(textField(16)),
    }),
  ),
  v.maxLength(maxDevices),
)
const schema = v.looseObject({
  v: v.literal(1),
  mesh: digestField,
  node: publicKeyField,
  name: nameField,
  boot: countField,
  bootNonce: v.custom<Uint8Array>(
    (nonce) => nonce instanceof Uint8Array && nonce.length === 16,
    'has not 16 bytes',
  ),
  number: countField,
  groups: groupsField,
  roles: rolesField,
  arch: textField(32),
  platform: textField(32),
  runtime: textField(32),
  version: textField(64),
  features: v.pipe(v.array(textField(64)), v.maxLength(64)),
  addresses: addressesField,
  devices,
  /** Devices of kinds that came later, beside those that every version reads. */
  moreDevices: v.optional(devices),
  apps: v.pipe(
    v.array(
      v.looseObject({
        app: nameField,
        ...release,
        since: timeField,
        failures: countField,
        transfer,
        next: v.optional(
          v.looseObject({
            ...release,
            transfer,
            progress: v.optional(v.pipe(v.number(), v.minValue(0), v.maxValue(1))),
          }),
        ),
      }),
    ),
    v.maxLength(maxApps),
  ),
  issuedAt: timeField,
  /** Version of the trust bundle it goes by; absent in records of before. */
  trust: v.optional(countField),
  rests: v.optional(
    v.pipe(v.array(v.looseObject({ app: nameField, seq: countField })), v.maxLength(maxApps)),
  ),
  topics: v.optional(v.pipe(v.array(textField(128)), v.maxLength(maxTopics))),
  pause: v.optional(
    v.looseObject({ kind: v.picklist(['slept', 'stalled']), ms: countField, endedAt: timeField }),
  ),
  machine: v.optional(
    v.looseObject({
      bits: v.optional(countField),
      endianness: v.optional(textField(16)),
      tier: v.optional(countField),
      memoryBytes: v.optional(countField),
      appMemoryBytes: v.optional(countField),
      componentBytes: v.optional(countField),
    }),
  ),
})

type AppReportState = (typeof appStates)[number]

interface Reason {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** How a release's component comes, or came, to its node; the control API says what is what. */
interface TransferReport {
  readonly haveBytes: number
  readonly totalBytes: number
  readonly fetchedBytes: number
  readonly via: string
  readonly ms: number
  readonly bytesPerSecond?: number | undefined
}

/**
 * What a node's machine and the node's owner leave to apps, so that everybody can tell which releases fit there. Only what
 * stays as it is while the node runs; what a newer node adds is kept and passed over.
 */
export interface MachineReport {
  /** Of a word: 32 or 64. */
  readonly bits?: number | undefined
  /** `little` or `big`. */
  readonly endianness?: string | undefined
  /** 1 for all that there is, 3 for the smallest; for people. */
  readonly tier?: number | undefined
  /** What the machine, or what the node is confined to, has. */
  readonly memoryBytes?: number | undefined
  /** The most linear memory that one app can have here. */
  readonly appMemoryBytes?: number | undefined
  /** The most that all components may take of the disk; absent where nothing but the disk bounds them. */
  readonly componentBytes?: number | undefined
}

/** An app as its node reports it; the control API shows the same. */
export interface AppReport {
  readonly app: string
  readonly version: string
  readonly seq: number
  readonly state: AppReportState
  readonly since: number
  readonly failures: number
  /** Which of the release's variants it is; absent for the component itself, and in records of before. */
  readonly variant?: string | undefined
  readonly reason?: Reason | undefined
  readonly transfer?: TransferReport | undefined
  readonly next?:
    | {
        readonly version: string
        readonly seq: number
        readonly state: AppReportState
        readonly progress?: number | undefined
        readonly variant?: string | undefined
        readonly transfer?: TransferReport | undefined
        readonly reason?: Reason | undefined
      }
    | undefined
}

/** A release that a node does not run for a while, though it has a place. */
export interface Rest {
  readonly app: string
  readonly seq: number
}

export interface NodeReport {
  readonly v: 1
  readonly mesh: Digest
  /** The node's public key. */
  readonly node: Uint8Array
  readonly name: string
  readonly boot: number
  readonly bootNonce: Uint8Array
  /** Grows with every report of one boot. */
  readonly number: number
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly arch: string
  readonly platform: string
  /** `node 20.20.2` */
  readonly runtime: string
  /** Of the daemon. */
  readonly version: string
  readonly features: readonly string[]
  readonly addresses: readonly string[]
  readonly devices: readonly {
    readonly kind: DeviceKind
    readonly name: string
    /** Of a folder, what apps may do there: `read` or `read-write`. */
    readonly driver: string
    /** What is wrong with it, in a word; absent where it is well, and in records of before. */
    readonly health?: string | undefined
  }[]
  readonly apps: readonly AppReport[]
  /** Apps that failed there or do not fit, whose places it gives up; absent for none, and in records of before. */
  readonly rests?: readonly Rest[] | undefined
  /** By the node's own clock, ms since the epoch. */
  readonly issuedAt: number
  /** Version of the trust bundle that the node goes by; absent in records of before. */
  readonly trust?: number | undefined
  /** Of which it takes messages, sorted; absent where it takes none, and in records of before. */
  readonly topics?: readonly string[] | undefined
  /** A sleep or standstill of this boot that ended of late, by the node's own clock. */
  readonly pause?:
    | { readonly kind: 'slept' | 'stalled'; readonly ms: number; readonly endedAt: number }
    | undefined
  /** Absent in records of before. */
  readonly machine?: MachineReport | undefined
}

/** A report whose signature holds. Whether the node is a member is for the caller to decide. */
export interface NodeRecord {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly node: NodeId
  readonly report: NodeReport
}

/**
 * Signs a report. Of more devices and apps than a record holds it names the first: a node must not fall silent because
 * somebody published one app too many.
 * @throws ERR_NODE_RECORD where the report could not be read back, or is larger than 64 KiB
 */
export function signNodeRecord(key: KeyPair, report: NodeReport): Uint8Array {
  const named = report.devices.slice(0, maxDevices)
  const devices = named.filter(({ kind }) => firstKinds.includes(kind))
  const later = named.filter(({ kind }) => !firstKinds.includes(kind))
  const moreDevices = later.length === 0 ? {} : { moreDevices: later }
  const rests = report.rests === undefined ? {} : { rests: report.rests.slice(0, maxApps) }
  let apps = withFewTransfers(report.apps.slice(0, maxApps))
  for (let reasonChars = maxReasonChars; ; reasonChars = Math.floor(reasonChars / 8)) {
    const payload = encodeCbor({
      ...report,
      devices,
      ...moreDevices,
      ...rests,
      apps: apps.map((app) => cutApp(app, reasonChars)),
    })
    if (payload.length > maxPayloadBytes && apps.length > 0) {
      if (reasonChars === 0) apps = apps.slice(0, Math.floor(apps.length / 2))
      continue
    }
    readReport(payload)
    const bytes = sign1({ purpose: 'node-record', payload, key })
    if (bytes.length > maxNodeRecordBytes) throw refused(`it has ${bytes.length} bytes`)
    return bytes
  }
}

/**
 * @param expected.mesh where given, records of another mesh are refused
 * @throws ERR_NODE_RECORD
 */
export function verifyNodeRecord(bytes: Uint8Array, expected: { mesh?: Digest } = {}): NodeRecord {
  try {
    const { payload, kid } = verify1(bytes, { purpose: 'node-record', maxBytes: maxNodeRecordBytes })
    const report = readReport(payload)
    if (!sameBytes(kid, report.node)) throw refused(`${nodeIdOf(kid)} speaks for ${nodeIdOf(report.node)}`)
    if (expected.mesh !== undefined && report.mesh !== expected.mesh) throw refused('it is of another mesh')
    return { bytes, digest: digestOf(bytes), node: nodeIdOf(kid), report }
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_SIGNATURE')) throw refused(error.message, error)
    throw error
  }
}

/**
 * Orders two reports of one node: above 0 where `a` is the newer one. 0 for two that claim the same place; where
 * these differ, one identity runs twice (compare `bootNonce`).
 */
export function compareReports(a: NodeReport, b: NodeReport): number {
  return a.boot - b.boot || a.number - b.number
}

function readReport(payload: Uint8Array): NodeReport {
  const {
    devices: first,
    moreDevices: later = [],
    ...report
  } = readPayload(schema, payload, maxNodeRecordBytes, refused)
  const known = [...first, ...later].flatMap((device) => {
    const kind = deviceKinds.find((candidate) => candidate === device.kind)
    return kind === undefined ? [] : [{ ...device, kind }]
  })
  return { ...report, devices: known }
}

function withFewTransfers(apps: readonly AppReport[]): readonly AppReport[] {
  const moving = apps.filter(({ transfer, next }) => (transfer ?? next?.transfer) !== undefined)
  if (moving.length <= maxTransfers) return apps
  // What is on its way comes before what came.
  const order = ({ next, since }: AppReport): number => (next === undefined ? since : Infinity)
  const told = new Set(moving.sort((a, b) => (order(a) < order(b) ? 1 : -1)).slice(0, maxTransfers))
  return apps.map((app) => {
    if (told.has(app)) return app
    return { ...app, transfer: undefined, next: app.next && { ...app.next, transfer: undefined } }
  })
}

function cutApp(app: AppReport, reasonChars: number): AppReport {
  const next = app.next && { ...app.next, reason: cutReason(app.next.reason, reasonChars) }
  return { ...app, reason: cutReason(app.reason, reasonChars), next }
}

function cutReason(reason: Reason | undefined, maxChars: number): Reason | undefined {
  return (
    reason && { code: reason.code, message: cut(reason.message, maxChars), hint: cut(reason.hint, maxChars) }
  )
}

/** Problems quote paths and tool output: line breaks become spaces, the end is cut between characters. */
function cut(text: string, maxChars: number): string {
  if (maxChars === 0) return ''
  const line = text.replace(/\p{Cc}+/gu, ' ').replace(/\p{Surrogate}/gu, '\ufffd')
  if (line.length <= maxChars) return line
  return `${line.slice(0, maxChars - 1).replace(/\p{Surrogate}$/u, '')}…`
}

function refused(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_NODE_RECORD', `a node record was refused: ${what}`, { cause })
}
