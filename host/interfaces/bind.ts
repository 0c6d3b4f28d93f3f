/** From grants to interfaces: which of the node's offers an app gets, and with what behind them. */
import { nearestName } from '../toml/index.ts'
import type { BoundInterface, InterfaceId } from '../engine/index.ts'
import type { AppContext } from './context.ts'
import { parseGrant } from './grants.ts'
import type { InterfaceOffer } from './offer.ts'
import { interfaceProblems } from './problems.ts'

/** Offers that need no grant, and those whose kind is among the grants. */
export function grantedOffers(
  offers: readonly InterfaceOffer[],
  grants: readonly string[],
): readonly InterfaceOffer[] {
  const kinds = new Set(grants.map((grant) => parseGrant(grant).kind))
  return offers.filter(({ grantKind }) => grantKind === null || kinds.has(grantKind))
}

export function idsOf(offers: readonly InterfaceOffer[]): InterfaceId[] {
  return offers.map(({ id }) => id)
}

export function bindOffers(offers: readonly InterfaceOffer[], context: AppContext): BoundInterface[] {
  return offers.map((offer) => ({ id: offer.id, functions: offer.bind(context) }))
}

/** @throws ERR_GRANT_INVALID, ERR_GRANT_UNKNOWN */
export function refuseUnknownGrants(offers: readonly InterfaceOffer[], grants: readonly string[]): void {
  const kinds = [
    ...new Set(offers.flatMap(({ grantKind }) => (grantKind === null ? [] : [grantKind]))),
  ].sort()
  for (const grant of grants) {
    const { kind } = parseGrant(grant)
    if (kinds.includes(kind)) continue
    const nearest = nearestName(kind, kinds)
    const question = nearest === null ? '' : `; did you mean "${nearest}"?`
    throw interfaceProblems.error(
      'ERR_GRANT_UNKNOWN',
      `"${grant}": nothing is opened by "${kind}"${question}`,
      {
        hint: `write one of the kinds this node knows: ${kinds.map((known) => `"${known}"`).join(', ')}`,
      },
    )
  }
}
