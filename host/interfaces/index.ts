/**
 * The public face of the interfaces offered to guests, and their list: a new one is one folder and one line here.
 */
import {
  engineOffers,
  type BoundInterface,
  type ComponentFunctions,
  type InterfaceId,
} from '../engine/index.ts'
import { call } from './call/index.ts'
import { bindLinks, grantedLinks, type Links } from './call/links.ts'
import { blobstore } from './blobstore/index.ts'
import { configStores } from './config-store/index.ts'
import type { AppContext } from './context.ts'
import { devicePins } from './device-pins/index.ts'
import { deviceSensor } from './device-sensor/index.ts'
import { grantedNames, parseGrantOf, type Grant } from './grants.ts'
import { httpInterfaces } from './http-outgoing/index.ts'
import { keyValue } from './keyvalue/index.ts'
import { logging } from './logging/index.ts'
import { messaging } from './messaging/index.ts'
import type { InterfaceOffer } from './offer.ts'
import { sockets } from './sockets/index.ts'
import { wasiGpio } from './wasi-gpio/index.ts'
import { wasiI2c } from './wasi-i2c/index.ts'

export { noCalls, noTopics, type AppContext, type OutgoingCall } from './context.ts'
export type { InterfaceOffer } from './offer.ts'
export { checkLinks, isLinkable, type Links } from './call/links.ts'
export { canonicalGrants, formatGrant, grantedNames, namePattern, type Grant } from './grants.ts'
export { networkNames, networkPolicy, type NetworkPolicy } from './sockets/policy.ts'
export { interfaceProblems } from './problems.ts'

export const interfaceOffers: readonly InterfaceOffer[] = [
  deviceSensor,
  devicePins,
  wasiGpio,
  ...wasiI2c,
  logging,
  ...configStores,
  ...messaging,
  ...keyValue,
  ...blobstore,
  ...sockets,
  ...httpInterfaces,
  call,
]

/** The kinds of grant that open something, sorted. */
const grantKinds: readonly string[] = [
  ...new Set(
    [...interfaceOffers, ...engineOffers].flatMap(({ grantKind, allowedBy }) => grantKind ?? allowedBy ?? []),
  ),
].sort()

/** Reads a grant as a person wrote it. @throws ERR_GRANT for an unknown kind or a name that no device can have */
export function parseGrant(text: string): Grant {
  return parseGrantOf(grantKinds, text)
}

/** For whoever is about to sign: a misspelt grant would open nothing. @throws ERR_GRANT */
export function checkGrants(grants: readonly string[]): void {
  for (const grant of grants) parseGrant(grant)
}

/** Interfaces that an app with these grants may import: those without a grant, those with one of their kind, and its links. */
export function grantedInterfaces(grants: readonly string[], links?: Links): InterfaceId[] {
  return [...grantedOffers(grants).map(({ id }) => id), ...grantedLinks(links, grants).map(([id]) => id)]
}

/**
 * Those interfaces with this app's devices, settings and log behind them.
 * The last are its links, and the functions of its component that they are for.
 */
export function bindInterfaces(
  grants: readonly string[],
  context: AppContext,
  {
    links,
    functions,
  }: { readonly links?: Links | undefined; readonly functions?: ComponentFunctions | undefined } = {},
): BoundInterface[] {
  const offered = grantedOffers(grants).map(({ id, part, bind }) => ({
    id,
    ...(part === undefined ? {} : { part }),
    functions: bind(context),
  }))
  return [...offered, ...bindLinks(links, grants, functions, context)]
}

function grantedOffers(grants: readonly string[]): readonly InterfaceOffer[] {
  return interfaceOffers.filter(
    ({ grantKind }) => grantKind === null || grantedNames(grants, grantKind).length > 0,
  )
}
