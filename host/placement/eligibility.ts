/**
 * Whether a node could run a release, by what its own signed record says: what the release needs, and the devices and
 * folders that it is granted. Every node that holds the same records says the same.
 */
import type { NodeReport, ReleaseRecord, Rest } from '../../mesh/index.ts'
import { isMachineNeed, machineNeeds, meetsNeed, misfits, type MachineNeed } from '../fit/index.ts'

/** What the choice sees of a member. */
export interface Candidate {
  readonly id: string
  readonly name: string
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  /** null where its record was never heard. */
  readonly report: Pick<
    NodeReport,
    'arch' | 'platform' | 'features' | 'machine' | 'devices' | 'apps' | 'rests'
  > | null
}

const needKinds = [...machineNeeds, 'role', 'group', 'name', 'sensor', 'pin', 'i2c', 'folder'] as const
export type NeedKind = (typeof needKinds)[number]

/** `arch:arm64` as its two halves; null where this version knows no such need. */
export function parseNeed(need: string): { readonly kind: NeedKind; readonly value: string } | null {
  const colon = need.indexOf(':')
  const kind = needKinds.find((known) => known === need.slice(0, Math.max(colon, 0)))
  const value = need.slice(colon + 1)
  if (kind === undefined || value === '' || (isOfMachine(kind) && !isMachineNeed(kind, value))) return null
  return { kind, value }
}

function isOfMachine(kind: NeedKind): kind is MachineNeed {
  return machineNeeds.some((one) => one === kind)
}

export const needRule = `${needKinds.slice(0, -1).join(', ')} or ${needKinds.at(-1) ?? ''}, a colon and a name`

const deviceKinds = ['sensor', 'pin', 'i2c', 'folder'] as const

/** What a node lacks, in the words of needs: `pin:led`, `arch:arm64`; empty where it can run the release. */
export function lacks(record: ReleaseRecord, candidate: Candidate): string[] {
  const { report } = candidate
  if (report === null) return ['a record of itself']
  const { placement, grants } = record
  const granted = grants.filter((grant) => deviceKinds.some((kind) => grant.startsWith(`${kind}:`)))
  const missing = [...(placement?.needs ?? []), ...granted].filter((need) => !has(need, candidate, report))
  return [...new Set([...missing, ...unfit(record, candidate)])]
}

/**
 * What a node's machine lacks, which its owner cannot add in the node's TOML: such a node is not given the release. A node
 * of which nothing was heard is not judged, and who runs it has shown that it can: by the rule of its own version.
 */
export function unfit(record: ReleaseRecord, { report }: Pick<Candidate, 'report'>): string[] {
  return report === null || isRunning(record, report) ? [] : misfits(record, report)
}

function isRunning({ app, seq }: Rest, { apps }: Pick<NodeReport, 'apps'>): boolean {
  return apps.some((one) => one.app === app && one.seq === seq && one.state === 'running')
}

function has(
  need: string,
  { name, groups, roles }: Candidate,
  report: NonNullable<Candidate['report']>,
): boolean {
  const parsed = parseNeed(need)
  // Of a later version: whoever understands it runs it.
  if (parsed === null) return false
  const { kind, value } = parsed
  if (isOfMachine(kind)) return meetsNeed(kind, value, report)
  switch (kind) {
    case 'role':
      return roles.includes(value)
    case 'group':
      return groups.includes(value)
    case 'name':
      return name === value
    default:
      return report.devices.some((device) => device.kind === kind && device.name === value)
  }
}
