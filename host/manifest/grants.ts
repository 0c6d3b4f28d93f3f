/**
 * Grants: what a release may touch, as `KIND:NAME`. This is the form that is signed, compared and shown; the
 * manifest has a friendlier one, a list for each kind.
 *
 * A new kind of grant is one line in `grantKinds` and one field in the manifest's schema.
 */
import { nearestName } from '../toml/index.ts'
import { manifestProblems } from './problems.ts'

/** By the name of its list under `[grants]`. */
export const grantKinds = { sensors: 'sensor', pins: 'pin' } as const

export type GrantKind = (typeof grantKinds)[keyof typeof grantKinds]

export interface Grant {
  readonly kind: GrantKind
  /** The logical name that the node's owner gave the device. */
  readonly name: string
}

/** Names of apps, devices and groups: what a DNS label allows, so that they fit everywhere. */
export const namePattern = /^[a-z][a-z0-9-]{0,62}$/

const kinds: readonly GrantKind[] = Object.values(grantKinds)

/** @throws ERR_GRANT for an unknown kind or a name that no device can have */
export function parseGrant(text: string): Grant {
  const shown = JSON.stringify(text.slice(0, 80))
  const colon = text.indexOf(':')
  if (colon === -1) throw manifestProblems.error('ERR_GRANT', `${shown} is no grant: it has no colon`)
  const [kindText, name] = [text.slice(0, colon), text.slice(colon + 1)]
  const kind = kinds.find((known) => known === kindText)
  if (kind === undefined) {
    const nearest = nearestName(kindText, kinds)
    throw manifestProblems.error('ERR_GRANT', `${shown} asks for something that no node can give`, {
      hint:
        nearest === null
          ? `grants are ${kinds.map((k) => `${k}:NAME`).join(', ')}`
          : `write ${nearest}:${name}`,
    })
  }
  if (!namePattern.test(name)) {
    throw manifestProblems.error(
      'ERR_GRANT',
      `${shown} names no device: ${JSON.stringify(name.slice(0, 80))}`,
      {
        hint: 'device names are small letters, digits and "-", at most 63, a letter first',
      },
    )
  }
  return { kind, name }
}

/** The canonical text, the inverse of {@link parseGrant}. */
export function formatGrant(grant: Grant): string {
  return `${grant.kind}:${grant.name}`
}

/** Canonical order: sorted, each once. */
export function canonicalGrants(grants: readonly Grant[]): string[] {
  return [...new Set(grants.map(formatGrant))].sort()
}
