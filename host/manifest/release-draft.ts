/**
 * What `publish` needs to know of an app before it asks the mesh for a sequence number and signs: from the
 * manifest of a folder, or from the options beside a bare `.wasm`.
 */
import { basename } from 'node:path'
import { safeParse, strictObject } from 'valibot'
import { nearestName } from '../../core/index.ts'
import type {
  CallPolicy,
  InstancePolicy,
  Limits,
  PlacementRule,
  Quotas,
  StoreRule,
  ReleaseRecord,
  TriggerSpec,
} from '../../mesh/index.ts'
import { canonicalGrants, namePattern, parseGrant } from '../interfaces/index.ts'
import { argumentsField, quotasOf } from './asks.ts'
import { grantsOf, type Manifest } from './manifest.ts'
import { callsOf } from './calls.ts'
import { bareLinks } from './links.ts'
import { placementEntries, placementOf } from './placement.ts'
import { manifestProblems } from './problems.ts'
import { defaultLimits, manifestBounds, versionPattern, versionRefusal } from './schema.ts'
import { storesOf } from './stores.ts'
import { topicsOf } from './topics.ts'
import { grantsNeeded, parseTriggerOption, toSpec } from './triggers.ts'
import { parseDuration, parseSize } from '../toml/index.ts'

export interface ReleaseDraft {
  readonly app: string
  /** null where nobody named one: publish writes `0.0.SEQ`. */
  readonly version: string | null
  /** Canonical and sorted. */
  readonly grants: readonly string[]
  readonly triggers: readonly TriggerSpec[]
  readonly config: Readonly<Record<string, string>>
  readonly limits: Limits
  /** What is left out of these is the node's choice. */
  readonly quotas: Quotas
  readonly instances: InstancePolicy
  /** Of the command, behind its name. */
  readonly args: readonly string[]
  /** Empty means all. */
  readonly groups: readonly string[]
  /** On how many of them, and which. */
  readonly placement: PlacementRule
  /** From how far it may be called, and how. */
  readonly calls: CallPolicy
  /** Which apps export what it imports. */
  readonly links: Readonly<Record<string, string>>
  /** Buckets that are shared, and with whom. */
  readonly stores: Readonly<Record<string, StoreRule>>
  /** How far messages of its topics go. */
  readonly topics: NonNullable<ReleaseRecord['topics']>
}

/** `publish FILE.wasm` and its options, as written. */
export interface BareRelease {
  readonly file: string
  readonly app?: string | undefined
  readonly version?: string | undefined
  /** `sensor:light` */
  readonly grants?: readonly string[] | undefined
  /** `sensor:light:200ms` */
  readonly triggers?: readonly string[] | undefined
  readonly groups?: readonly string[] | undefined
  /** `acme:thermo/api@1.0.0=thermo` */
  readonly links?: readonly string[] | undefined
  /** How many nodes of each group run it; all where it is not said. */
  readonly replicas?: string | undefined
  /** `arch:arm64` */
  readonly needs?: readonly string[] | undefined
  /** Of the command, behind its name. */
  readonly args?: readonly string[] | undefined
}

/**
 * The draft of an app with a manifest, or of a bare file: that app is named after the file, and is granted nothing
 * unless an option says so.
 * @throws ERR_RELEASE_OPTION, ERR_GRANT (a bare file's options; a manifest was checked when it was read)
 */
export function releaseDraft(source: Manifest | BareRelease): ReleaseDraft {
  return 'file' in source ? draftOfBare(source) : draftOf(source)
}

function draftOf(manifest: Manifest): ReleaseDraft {
  return {
    app: manifest.app.name,
    version: manifest.app.version,
    grants: grantsOf(manifest),
    triggers: manifest.triggers.map(toSpec),
    config: manifest.config,
    limits: { memoryBytes: manifest.limits.memory, deadlineMs: manifest.limits.deadline },
    quotas: quotasOf(manifest.limits),
    instances: policyOf(manifest.instances),
    args: manifest.run.args,
    groups: [...manifest.placement.groups].sort(),
    placement: placementOf(manifest.placement),
    calls: callsOf(manifest.calls),
    links: manifest.links,
    stores: storesOf(manifest.stores),
    topics: topicsOf(manifest.topics),
  }
}

/** Only what was said: a record names no defaults, so that a node's own may change. */
function policyOf({ idle, cpu, ...rest }: Manifest['instances']): InstancePolicy {
  const said = Object.entries({ ...rest, idleMs: idle, cpuPercent: cpu }).filter(
    ([, value]) => value !== undefined,
  )
  return Object.fromEntries(said)
}

function draftOfBare(release: BareRelease): ReleaseDraft {
  const { version, groups = [], triggers = [] } = release
  if (version !== undefined && !versionPattern.test(version)) refuseVersion(version)
  for (const group of groups) {
    if (!namePattern.test(group)) throw optionError('--group', group, 'is no name of a group')
  }
  bound('--grant', release.grants, manifestBounds.grantsOfAKind)
  bound('--trigger', triggers, manifestBounds.triggers)
  bound('--group', groups, manifestBounds.groups)
  const grants = canonicalGrants((release.grants ?? []).map(parseGrant))
  const parsed = triggers.map(parseTriggerOption)
  for (const needed of parsed.flatMap(grantsNeeded)) {
    if (grants.includes(needed)) continue
    const { kind, name } = parseGrant(needed)
    const nearest = nearestName(needed, grants)
    throw optionError('--trigger', name, `is a ${kind} that the release is not granted`, {
      hint: `add --grant ${needed}${nearest === null ? '' : ` (now: ${nearest})`}`,
    })
  }
  return {
    app: release.app === undefined ? nameFromFile(release.file) : checkedName(release.app),
    version: version ?? null,
    grants,
    triggers: parsed.map(toSpec),
    config: {},
    limits: {
      memoryBytes: parseSize(defaultLimits.memory),
      deadlineMs: parseDuration(defaultLimits.deadline),
    },
    quotas: {},
    instances: {},
    args: checkedArguments(release.args ?? []),
    groups: [...new Set(groups)].sort(),
    placement: barePlacement(release),
    calls: {},
    links: bareLinks(release.links ?? [], grants),
    stores: {},
    topics: {},
  }
}

function barePlacement({ replicas, needs = [] }: BareRelease): PlacementRule {
  const result = safeParse(strictObject(placementEntries), {
    replicas: replicas !== undefined && /^\d{1,9}$/.test(replicas) ? Number(replicas) : replicas,
    needs,
  })
  if (result.success) return placementOf(result.output)
  const [{ message, path }] = result.issues
  const isNeed = path?.[0]?.key === 'needs'
  const [problem = '', hint = ''] = message.split('; ')
  throw optionError(isNeed ? '--need' : '--replicas', isNeed ? needs.join(', ') : String(replicas), problem, {
    ...(hint !== '' && { hint }),
  })
}

function checkedArguments(args: readonly string[]): readonly string[] {
  const result = safeParse(argumentsField, args)
  if (result.success) return args
  const [{ message, path }] = result.issues
  const at = path?.[0]?.key
  const shown = typeof at === 'number' ? JSON.stringify(args[at]?.slice(0, 40)) : ''
  const [problem = '', hint = ''] = message.split('; ')
  throw optionError('--arg', shown, problem, { hint })
}

function nameFromFile(file: string): string {
  const name = basename(file)
    .replace(/\.wasm$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
  if (namePattern.test(name)) return name
  throw manifestProblems.error('ERR_RELEASE_OPTION', `no app can be named after the file ${basename(file)}`, {
    hint: 'add --app NAME: small letters, digits and "-", at most 63, a letter first',
  })
}

function checkedName(name: string): string {
  if (namePattern.test(name)) return name
  throw optionError('--app', name, 'is no name of an app', {
    hint: 'use small letters, digits and "-", at most 63, a letter first',
  })
}

function refuseVersion(version: string): never {
  const [problem = '', hint = ''] = versionRefusal.split('; ')
  throw optionError('--version', version, problem, { hint })
}

function bound(option: string, values: readonly string[] | undefined, most: number): void {
  if ((values?.length ?? 0) > most)
    throw optionError(option, `given ${values?.length} times`, `at most ${most} fit`)
}

function optionError(option: string, value: string, problem: string, details: { hint?: string } = {}): Error {
  return manifestProblems.error('ERR_RELEASE_OPTION', `${option} ${value.slice(0, 80)}: ${problem}`, details)
}
