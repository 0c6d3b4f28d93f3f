/**
 * Grants: what a release may touch, as `kind:name`. The kind says which interface it opens, the name which
 * device behind it. This is the one place that knows how they are written.
 */
import { interfaceProblems } from './problems.ts'

export interface Grant {
  /** `sensor`, `pin`: the `grantKind` of an interface. */
  readonly kind: string
  /** The logical name in the node's TOML. */
  readonly name: string
}

const pattern = /^([a-z][a-z0-9-]{0,30}):([a-z][a-z0-9-]{0,62})$/

/** @throws ERR_GRANT_INVALID */
export function parseGrant(text: string): Grant {
  const match = pattern.exec(text)
  if (match === null) {
    const shown = JSON.stringify(text.slice(0, 60))
    throw interfaceProblems.error(
      'ERR_GRANT_INVALID',
      `${shown} is no grant: expected kind:name in lower case`,
    )
  }
  return { kind: match[1] ?? '', name: match[2] ?? '' }
}

export function formatGrant({ kind, name }: Grant): string {
  return `${kind}:${name}`
}

/** The names that `grants` gives of one kind, in their order. */
export function grantedNames(grants: readonly string[], kind: string): string[] {
  return grants
    .map(parseGrant)
    .filter((grant) => grant.kind === kind)
    .map(({ name }) => name)
}
