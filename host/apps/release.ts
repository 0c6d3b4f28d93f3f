/** What the mesh wants to run, and the pure rules of whether this node takes it. */
import { isSelvedgeError, messageOf, type Digest, type SelvedgeError } from '../../core/index.ts'
import type { ReleaseRecord } from '../../mesh/index.ts'
import { pinDrivers, sensorDrivers, type Devices } from '../devices/index.ts'
import { refusalOfFeatures, refusalOfImports, type Incident, type IncidentReason } from '../engine/index.ts'
import { fitProblems, requirementsOf, whyNot, type Capabilities } from '../fit/index.ts'
import { grantedInterfaces, grantedNames, interfaceOffers } from '../interfaces/index.ts'
import { planTriggers } from '../triggers/index.ts'
import type { NodeFolders } from './folders.ts'
import { appProblems } from './problems.ts'

/** A record whose signature was checked, and the digest that names it. */
export interface DesiredRelease {
  readonly record: ReleaseRecord
  readonly digest: Digest
  /** Public key that signed it. */
  readonly publisher?: Uint8Array
  /** The name of this node's place, where the release asks for names. */
  readonly instance?: string | null
  /** Whose component the record names; absent for the release's own. */
  readonly variant?: string | null
}

/** A problem in words, as `status` shows it. */
export interface Reason {
  readonly code: string
  readonly message: string
  readonly hint: string
}

export type Verdict =
  | { readonly may: 'run' }
  /** Not until something about this node changes. */
  | { readonly may: 'wait'; readonly reason: Reason }
  /** Not this release. */
  | { readonly may: 'never'; readonly reason: Reason }

/** What a grant can name that not every node has. */
type NodeNames = { readonly [Kind in 'sensors' | 'pins' | 'folders']: Iterable<string> }

/** Fields of a record that this version obeys; see `critical` in mesh/releases/record.ts. */
const knownFields: readonly string[] = [
  'v',
  'mesh',
  'app',
  'seq',
  'version',
  'component',
  'grants',
  'triggers',
  'config',
  'limits',
  'features',
  'memory',
  'variants',
  'imports',
  'instances',
  'run',
  'stores',
  'quotas',
  'groups',
  'placement',
  'calls',
  'links',
  'previous',
  'signedAt',
  'critical',
] satisfies (keyof ReleaseRecord)[]

/** True where a node of these groups should run the release: it names none, or one of them. */
export function placedHere(record: ReleaseRecord, groups: readonly string[]): boolean {
  return record.groups.length === 0 || record.groups.some((group) => groups.includes(group))
}

/**
 * Whether a node with these devices and folders can run the release, before a byte of it was fetched.
 * @param record with the component that this node would run
 */
export function judge(record: ReleaseRecord, names: NodeNames, capabilities: Capabilities): Verdict {
  const unknown = record.critical.filter((field) => !knownFields.includes(field))
  if (unknown.length > 0) {
    const message = `release ${record.version} must not be run without understanding ${unknown.join(', ')}`
    return { may: 'never', reason: reasonOf(appProblems.error('ERR_RELEASE_FIELD_UNKNOWN', message)) }
  }
  const lacking = refusalOfFeatures(record.features ?? [], capabilities.features)
  if (lacking !== null) return { may: 'never', reason: reasonOf(lacking) }
  const missing = whyNot(requirementsOf(record), capabilities)
  if (missing.length > 0) {
    const message = `${record.app} ${record.version} needs what this node’s machine cannot give: ${missing.join(', ')}`
    return { may: 'never', reason: reasonOf(fitProblems.error('ERR_MACHINE_UNFIT', message)) }
  }
  const refused = refusalOfImports(record.imports ?? [], {
    granted: grantedInterfaces(record.grants, record.links),
    offered: interfaceOffers,
  })
  if (refused !== null) return { may: 'never', reason: reasonOf(refused) }
  try {
    planTriggers(record.triggers, record.grants)
    const unnamed = missingNames(record.grants, names)
    return unnamed === null ? { may: 'run' } : { may: 'wait', reason: reasonOf(unnamed) }
  } catch (error) {
    return { may: 'never', reason: reasonOf(error) }
  }
}

export function namesOf(
  { sensors, pins }: Pick<Devices, 'sensors' | 'pins'>,
  folders: NodeFolders,
): NodeNames {
  return { sensors: [...sensors.keys()], pins: [...pins.keys()], folders: Object.keys(folders) }
}

export function reasonOf(error: unknown): Reason {
  const known = isSelvedgeError(error)
    ? error
    : appProblems.error('ERR_APP_UNEXPECTED', messageOf(error), { cause: error })
  return { code: known.code, message: known.message, hint: known.hint }
}

/** The engine's codes for the end of an instance, as its calls throw them. */
const endCodes: Readonly<Record<IncidentReason, string>> = {
  trap: 'ERR_APP_TRAP',
  deadline: 'ERR_APP_DEADLINE',
  memory: 'ERR_APP_MEMORY',
  'host-fault': 'ERR_APP_HOST_FAULT',
  exit: 'ERR_APP_EXIT',
  stopped: 'ERR_APP_STOPPED',
  crash: 'ERR_APP_CRASH',
  neighbour: 'ERR_APP_NEIGHBOUR',
}

export function reasonOfEnd({ reason, message }: Incident, app: string): Reason {
  return {
    code: endCodes[reason],
    message,
    hint: `the node starts it again by itself; see what it said: selvedge logs ${app}`,
  }
}

/** What a node may lack, by kind of grant: its table in the TOML, and what follows the table's head there. */
const lackable = [
  { kind: 'sensor', table: 'sensors', code: 'ERR_SENSOR_MISSING', line: driverLine(sensorDrivers) },
  { kind: 'pin', table: 'pins', code: 'ERR_PIN_MISSING', line: driverLine(pinDrivers) },
  {
    kind: 'folder',
    table: 'folders',
    code: 'ERR_FOLDER_MISSING',
    line: 'path = "…"  # and access = "read-write" if it may write',
  },
] as const

function driverLine(drivers: readonly { readonly kind: string }[]): string {
  return `driver = "…"  # ${drivers.map(({ kind }) => kind).join(', ')}`
}

/** All that is missing at once, with the lines that would add it; null where nothing is. */
function missingNames(grants: readonly string[], names: NodeNames): SelvedgeError | null {
  const lacks: string[] = []
  const lines: string[] = []
  let first: (typeof lackable)[number]['code'] | null = null
  for (const { kind, table, code, line } of lackable) {
    const here = [...names[table]]
    const missing = grantedNames(grants, kind).filter((name) => !here.includes(name))
    if (missing.length === 0) continue
    first ??= code
    const others = here.length === 0 ? `it has no ${table}` : `its ${table} are ${here.join(', ')}`
    lacks.push(`no ${kind} ${missing.map((name) => `"${name}"`).join(', ')} (${others})`)
    lines.push(...missing.map((name) => `[${table}.${name}]\n${line}`))
  }
  if (first === null) return null
  return appProblems.error(first, `this node has ${lacks.join(', and ')}`, {
    hint: `add to the node’s TOML, and start it again:\n${lines.join('\n')}`,
  })
}
