/** `[metrics]`: metrics over TCP; without an address they are read with `selvedge metrics` alone. */
import * as v from 'valibot'
import { parseMetricsAddress } from '../addresses.ts'
import { hostName, maxNames } from '../fields.ts'

export const metricsTable = v.strictObject({
  listen: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (text) => parseMetricsAddress(text) !== null,
        'is no address; write "127.0.0.1:9464", or "9464" for this machine alone',
      ),
    ),
  ),
  /** Names under which Prometheus asks, beside addresses, localhost and those that end in .local. */
  hosts: v.optional(
    v.pipe(v.array(hostName), v.maxLength(maxNames, `has too many names; at most ${maxNames} fit`)),
    [],
  ),
})
