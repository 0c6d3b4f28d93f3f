/** `[mesh]`: how the node reaches the others, and they it. */
import * as v from 'valibot'
import { gatewayLimits } from '../../../mesh/index.ts'
import { size } from '../fields.ts'

export const meshTable = v.strictObject({
  /** Multiaddresses to listen on; port 0 is any free one. */
  listen: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.startsWith('/', 'is no multiaddress; write "/ip4/0.0.0.0/tcp/0"'))),
      v.maxLength(16, 'has too many addresses; at most 16 fit'),
    ),
    ['/ip4/0.0.0.0/tcp/0'],
  ),
  /** Look for members of the mesh on the local network. */
  mdns: v.optional(v.boolean(), true),
  /** Whether others can connect to this node: "yes", "no", or "auto" to find out by asking them. */
  reachable: v.optional(
    v.picklist(['auto', 'yes', 'no'], 'says nothing; write "auto", "yes" or "no"'),
    'auto',
  ),
  /** Lead nodes to each other that cannot connect; by the node's role where it is left out. */
  gateway: v.optional(v.boolean()),
  /** Most that it carries for them in a second. */
  relay: size(gatewayLimits.bytesPerSecond),
})
