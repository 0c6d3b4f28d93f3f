/** `[http]`: HTTP requests to apps; without an address there are none. */
import * as v from 'valibot'
import { httpAddressField, parsePortAddress } from '../addresses.ts'
import { hostName, maxNames, name } from '../fields.ts'

/** Each is a socket that listens. */
const maxPorts = 16

export const httpTable = v.strictObject({
  listen: v.optional(httpAddressField),
  /** Apps by host names of their own: `"shop.example" = "hello"`. */
  hosts: v.optional(
    v.pipe(
      v.record(hostName, name),
      v.check(
        (table) => Object.keys(table).length <= maxNames,
        `has too many entries; at most ${maxNames} fit`,
      ),
    ),
    {},
  ),
  /** Ports that are one app's own, where it sees every path: `8081 = "hello"`. */
  ports: v.optional(
    v.pipe(
      v.record(
        v.pipe(
          v.string(),
          v.check((text) => parsePortAddress(text) !== null, 'is no port; write "8081" or "0.0.0.0:8081"'),
        ),
        name,
      ),
      v.check(
        (table) => Object.keys(table).length <= maxPorts,
        `has too many entries; at most ${maxPorts} fit`,
      ),
    ),
    {},
  ),
})
