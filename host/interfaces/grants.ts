/**
 * Grants: what a release may touch, as `KIND:NAME`. This is the form that is signed, compared and shown. The kind
 * says which interface it opens, the name which device behind it. The one place that knows how they are written.
 */
import { nearestName, topicPattern, topicRule } from '../../core/index.ts'
import { originNames } from './http-outgoing/origin-names.ts'
import { interfaceProblems } from './problems.ts'
import { networkNames } from './sockets/policy.ts'

export interface Grant {
  /** `sensor`, `pin`: the `grantKind` of an interface. */
  readonly kind: string
  /** The logical name that the node's owner gave the device or folder. */
  readonly name: string
}

/** How the names of one kind of grant are written. */
export interface GrantNames {
  /** @returns the one way to write it; null for what no such grant can name */
  canonical(name: string): string | null
  /** What a name must be, for an error's hint. */
  readonly rule: string
}

/** Names of apps, devices and groups: what a DNS label allows, so that they fit everywhere. */
export const namePattern = /^[a-z][a-z0-9-]{0,62}$/

const plainNames: GrantNames = {
  canonical: (name) => (namePattern.test(name) ? name : null),
  rule: 'names of devices, folders and stores are small letters, digits and "-", at most 63, a letter first',
}

const topicNames: GrantNames = {
  canonical: (name) => (topicPattern.test(name) ? name : null),
  rule: topicRule,
}

/** Kinds whose names are not those of a device. */
const ownNames: ReadonlyMap<string, GrantNames> = new Map([
  ['folder', plainNames],
  ['http', originNames],
  ['network', networkNames],
  ['publish', topicNames],
  ['subscribe', topicNames],
])

function namesOf(kind: string): GrantNames {
  return ownNames.get(kind) ?? plainNames
}

/**
 * Reads a grant as a person wrote it, who may have misspelt it.
 * @throws ERR_GRANT for a kind not among `kinds` or a name that no device can have
 */
export function parseGrantOf(kinds: readonly string[], text: string): Grant {
  const shown = JSON.stringify(text.slice(0, 80))
  const colon = text.indexOf(':')
  if (colon === -1) throw interfaceProblems.error('ERR_GRANT', `${shown} is no grant: it has no colon`)
  const [kind, name] = [text.slice(0, colon), text.slice(colon + 1)]
  if (!kinds.includes(kind)) {
    const nearest = nearestName(kind, kinds)
    throw interfaceProblems.error('ERR_GRANT', `${shown} asks for something that no node can give`, {
      hint:
        nearest === null
          ? `grants are ${kinds.map((known) => `${known}:NAME`).join(', ')}`
          : `write ${nearest}:${name}`,
    })
  }
  const { canonical, rule } = namesOf(kind)
  const known = canonical(name)
  if (known === null) {
    const named = JSON.stringify(name.slice(0, 80))
    const what = ownNames.has(kind) ? `no ${kind} grant` : 'no device'
    throw interfaceProblems.error('ERR_GRANT', `${shown} names ${what}: ${named}`, { hint: rule })
  }
  return { kind, name: known }
}

/** The canonical text. */
export function formatGrant({ kind, name }: Grant): string {
  return `${kind}:${name}`
}

/** Canonical order: sorted, each once. */
export function canonicalGrants(grants: readonly Grant[]): string[] {
  return [...new Set(grants.map(formatGrant))].sort()
}

/**
 * The names that a signed record's grants give of one kind, in their order. A grant that this version does not
 * understand opens nothing, and is no error: it may be a newer version's.
 */
export function grantedNames(grants: readonly string[], kind: string): string[] {
  const prefix = `${kind}:`
  return grants
    .filter((grant) => grant.startsWith(prefix))
    .map((grant) => grant.slice(prefix.length))
    .filter((name) => namesOf(kind).canonical(name) === name)
}
