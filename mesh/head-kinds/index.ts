/**
 * What travels as heads, a file for each kind. Every kind brings its own check; nothing is passed on that did not pass
 * it here. To add one, write its file and a line in the list below.
 *
 * Trust and credentials travel with all that they rest on, so that one head is enough to verify it.
 */
import { forkKind } from './fork.ts'
import { heartbeatKind } from './heartbeat.ts'
import type { HeadKind, Holdings } from './kind.ts'
import { memberKind } from './member.ts'
import { nodeKind } from './node.ts'
import { releaseKind } from './release.ts'
import { revocationKind } from './revocation.ts'
import { trustKind } from './trust.ts'

export { readChain, type HeadKind, type Holdings } from './kind.ts'

/** In the order in which they depend on each other. */
const kinds = [trustKind, revocationKind, heartbeatKind, memberKind, releaseKind, forkKind, nodeKind]

export function headKinds(holdings: Holdings): readonly HeadKind[] {
  return kinds.map((kind) => kind(holdings))
}
