/**
 * The public face of the interfaces offered to guests, and their list: a new one is one folder and one line here.
 */
import type { BoundInterface, InterfaceId } from '../engine/index.ts'
import { bindOffers, grantedOffers, idsOf, refuseUnknownGrants } from './bind.ts'
import { configStore } from './config-store/index.ts'
import type { AppContext } from './context.ts'
import { devicePins } from './device-pins/index.ts'
import { deviceSensor } from './device-sensor/index.ts'
import { logging } from './logging/index.ts'
import type { InterfaceOffer } from './offer.ts'

export type { AppContext } from './context.ts'
export type { InterfaceOffer } from './offer.ts'
export { formatGrant, grantedNames, parseGrant, type Grant } from './grants.ts'
export { interfaceProblems } from './problems.ts'

export const interfaceOffers: readonly InterfaceOffer[] = [deviceSensor, devicePins, logging, configStore]

/** Interfaces that an app with these grants may import. @throws ERR_GRANT_INVALID */
export function grantedInterfaces(grants: readonly string[]): InterfaceId[] {
  return idsOf(grantedOffers(interfaceOffers, grants))
}

/** Those interfaces with this app's devices, settings and log behind them. @throws ERR_GRANT_INVALID */
export function bindInterfaces(grants: readonly string[], context: AppContext): BoundInterface[] {
  return bindOffers(grantedOffers(interfaceOffers, grants), context)
}

/** For whoever is about to sign: a misspelt kind would grant nothing. @throws ERR_GRANT_INVALID, ERR_GRANT_UNKNOWN */
export function checkGrants(grants: readonly string[]): void {
  refuseUnknownGrants(interfaceOffers, grants)
}
