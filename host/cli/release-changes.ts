/** What a release asks of its nodes that the one before did not, and the other way round: read before anything is signed. */
import type { ReleaseTerms } from '../api/index.ts'
import type { CallPolicy, PlacementRule } from '../../mesh/index.ts'
import type { ReleaseDraft } from '../manifest/index.ts'
import { placementText } from './placement-text.ts'
import { ageText, plain, sizeText } from './text.ts'

export interface Change {
  readonly field:
    | 'grants'
    | 'groups'
    | 'placement'
    | 'calls'
    | 'topics'
    | 'links'
    | 'stores'
    | 'triggers'
    | 'limits'
    | 'quotas'
    | 'instances'
    | 'args'
    | 'config'
  /** In words: `memory 16.0 MB → 32.0 MB`. */
  readonly says: string
  /** It may do more than before, or ends where it ran: to be looked at twice. */
  readonly asksMore: boolean
}

/** @param before of the release before; null for the first, which asks for all of it */
export function releaseChanges(before: ReleaseTerms | null, draft: ReleaseDraft): Change[] {
  if (before === null) return []
  return [
    ...setChanges('grants', before.grants, draft.grants, 'may use', 'may no longer use'),
    ...groupChanges(before.groups, draft.groups),
    ...placementChanges(before.placement ?? {}, draft.placement),
    ...callChanges(before.calls ?? {}, draft.calls),
    ...topicChanges(before.topics ?? {}, draft.topics),
    ...(before.links === undefined ? [] : linkChanges(before.links, draft.links)),
    ...(before.stores === undefined ? [] : storeChanges(before.stores, draft.stores)),
    ...setChanges(
      'triggers',
      before.triggers.map(triggerText),
      draft.triggers.map(triggerText),
      'is called by',
      'is no longer called by',
    ),
    ...valueChanges('limits', before.limits, draft.limits),
    ...valueChanges('quotas', before.quotas, draft.quotas),
    ...valueChanges('instances', before.instances, draft.instances),
    ...argChanges(before.args, draft.args),
    ...configChanges(before.config, draft.config),
  ]
}

function setChanges(
  field: Change['field'],
  before: readonly string[],
  after: readonly string[],
  more: string,
  less: string,
): Change[] {
  const added = after.filter((one) => !before.includes(one))
  const gone = before.filter((one) => !after.includes(one))
  return [
    ...(added.length === 0 ? [] : [{ field, says: `${more} ${list(added)}`, asksMore: true }]),
    ...(gone.length === 0 ? [] : [{ field, says: `${less} ${list(gone)}`, asksMore: false }]),
  ]
}

/** It ends on nodes that it is not for any more, and that is told as loudly as a new grant. */
function groupChanges(before: readonly string[], after: readonly string[]): Change[] {
  if ([...before].sort().join() === [...after].sort().join()) return []
  const says = `goes to ${placesText(after)}; before it was ${placesText(before)}`
  return [{ field: 'groups', says, asksMore: true }]
}

function placementChanges(before: PlacementRule, after: PlacementRule): Change[] {
  const [from, to] = [placementText(before), placementText(after)]
  if (from === to) return []
  const usual = 'every node that can'
  return [{ field: 'placement', says: `runs on ${from || usual} → ${to || usual}`, asksMore: false }]
}

/** That it may be called from further away is told as loudly as a new grant. */
function callChanges(before: CallPolicy, after: CallPolicy): Change[] {
  const order = ['node', 'group', 'mesh']
  const [from, to] = [before.scope ?? 'group', after.scope ?? 'group']
  const isWider = order.indexOf(to) > order.indexOf(from)
  const changes = valueChanges('calls', { ...before, scope: from }, { ...after, scope: to })
  return changes.map((change) => ({ ...change, asksMore: isWider && change.says.startsWith('scope') }))
}

type Stores = Readonly<Record<string, { readonly scope: string }>>
type Topics = Readonly<Record<string, { readonly scope: 'node' | 'group' | 'mesh' }>>

/** A topic that goes further is told as loudly as a new grant. */
function topicChanges(before: Topics, after: Topics): Change[] {
  const order = ['node', 'group', 'mesh']
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((topic) => {
    const [from, to] = [before[topic]?.scope ?? 'node', after[topic]?.scope ?? 'node']
    if (from === to) return []
    const says = `messages of ${plain(topic)} go to the ${to}; before it was the ${from}`
    return [{ field: 'topics' as const, says, asksMore: order.indexOf(to) > order.indexOf(from) }]
  })
}

/** Who answers an interface that it imports decides what it does: told as loudly as a new grant. */
function linkChanges(before: ReleaseDraft['links'], after: ReleaseDraft['links']): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  return names
    .filter((name) => before[name] !== after[name])
    .map((name) => {
      const [from, to] = [before[name], after[name]].map((app) =>
        app === undefined ? undefined : plain(app),
      )
      const field = 'links' as const
      if (to === undefined)
        return { field, says: `no longer takes ${plain(name)} from ${from}`, asksMore: false }
      const instead = from === undefined ? '' : ` instead of ${from}`
      return { field, says: `takes ${plain(name)} from ${to}${instead}`, asksMore: true }
    })
}

/** What others of the group may read and write is told as loudly as a new grant; either way it begins with another store. */
function storeChanges(before: Stores, after: Stores): Change[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort().flatMap((name) => {
    const [from, to] = [before[name]?.scope ?? 'node', after[name]?.scope ?? 'node']
    if (from === to) return []
    const says = `the bucket ${plain(name)} is one of the ${to}; before it was one of the ${from}, whose entries stay there`
    return [{ field: 'stores' as const, says, asksMore: to === 'group' }]
  })
}

export function placesText(groups: readonly string[]): string {
  return groups.length === 0 ? 'every node' : `nodes of ${list(groups)}`
}

function triggerText({ kind, ...options }: ReleaseTerms['triggers'][number]): string {
  const said = Object.entries(options).map(([name, value]) => {
    // A sensor's trigger names its sensor.
    if (name === kind) return String(value)
    return name === 'everyMs' && typeof value === 'number' ? `every ${timeText(value)}` : `${name}=${value}`
  })
  return [kind, ...said].join(' ')
}

function timeText(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : ageText(ms)
}

type Values = Readonly<Record<string, string | number | boolean | undefined>>

function valueChanges(field: Change['field'], before: object, after: object): Change[] {
  const [old, now] = [before as Values, after as Values]
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])].sort()
  return names
    .filter((name) => old[name] !== now[name])
    .map((name) => {
      const [from, to] = [old[name], now[name]]
      const asksMore =
        typeof to === 'number' && (typeof from !== 'number' || to > from) && !ownBusiness.has(name)
      const { label, text } = wordsOf(name)
      return { field, says: `${label} ${text(from)} → ${text(to)}`, asksMore }
    })
}

/** More of these costs the app's own callers a wait, and the node nothing to speak of. */
const ownBusiness: ReadonlySet<string> = new Set(['idleMs', 'queue'])

/** `memoryBytes` as `memory` with sizes, `deadlineMs` as `deadline` with times. */
function wordsOf(name: string): { label: string; text(value: Values[string]): string } {
  const unit = /(?:Bytes|Ms|Percent)$/.exec(name)?.[0] ?? ''
  const label = name
    .slice(0, name.length - unit.length)
    .replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return {
    label,
    text(value) {
      if (value === undefined) return 'left to the node'
      if (typeof value !== 'number') return plain(String(value))
      if (unit === 'Bytes') return sizeText(value)
      if (unit === 'Ms') return timeText(value)
      return unit === 'Percent' ? `${value} %` : String(value)
    },
  }
}

function argChanges(before: readonly string[], after: readonly string[]): Change[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return []
  return [{ field: 'args', says: `arguments ${argsText(before)} → ${argsText(after)}`, asksMore: false }]
}

function argsText(args: readonly string[]): string {
  return args.length === 0 ? 'none' : args.map(plain).join(' ')
}

/** By name alone: a setting may be long, or nobody else's business. */
function configChanges(before: ReleaseTerms['config'], after: ReleaseTerms['config']): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()
  const differ = names.filter((name) => before[name] !== after[name])
  return differ.length === 0 ? [] : [{ field: 'config', says: `settings ${list(differ)}`, asksMore: false }]
}

const maxListed = 12

function list(words: readonly string[]): string {
  const shown = words.slice(0, maxListed).map(plain).join(', ')
  return words.length <= maxListed ? shown : `${shown} and ${words.length - maxListed} more`
}
