/**
 * How far requests may still lead, one behind the other: an app that asks itself over HTTP, or one that asks it back, ends there.
 * The node that sends an app's request writes into a field what is left, itself included. It is no proof of anything: whoever
 * sends one has less for it, and never more than a request without.
 */

/** As many as calls between apps have; see `callRules` in host/calls. */
export const maxHops = 8

/** In lower case. */
export const hopsField = 'x-selvedge-hops'

/**
 * @param value of the field, as node:http has it
 * @returns what the request may lead to, itself included; null where it does not say, or says nonsense
 */
export function hopsOf(value: string | string[] | undefined): number | null {
  if (typeof value !== 'string' || !/^\d{1,3}$/.test(value)) return null
  return Math.min(maxHops, Number(value))
}
