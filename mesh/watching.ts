/** Membership among the other parts of the mesh: whose signatures, whose dials, and who is told of what it finds. */
import type { Clock, Log, Random } from '../core/index.ts'
import type { Alarm, NodeId, NodeIdentity } from './identity/index.ts'
import { createNotary, MembershipWatch, type Opinion } from './membership/index.ts'
import type { Stores } from './stores.ts'
import type { Redialler, Transport } from './transport/index.ts'

export interface WatchNeeds {
  readonly stores: Stores
  readonly identity: NodeIdentity
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  redial(): Redialler
  onChange(): void
}

/** Of a member that was let in a moment ago. */
export const notLookedAt: Opinion = {
  verdict: 'suspect',
  why: 'not looked at yet',
  sinceMs: 0,
  rttMs: null,
  votes: [],
}

export function createWatch(needs: WatchNeeds): MembershipWatch {
  const { stores, identity, transport, clock, random, log, redial, onChange } = needs
  return new MembershipWatch({
    transport,
    clock,
    random,
    log: log.scope('members'),
    notary: createNotary(stores.trust.meshId, identity.key),
    boot: identity.boot,
    bootNonce: identity.bootNonce,
    knock: async (node, signal) =>
      (await transport.ways?.knock(node, redial().addressesOf(node), signal)) ?? null,
    dial: (node) => redial().hurry(node),
    want: (nodes) => redial().want(nodes),
    onChange,
    onDuplicate: (node) => stores.onAlarm(duplicateIdentity(node, identity.nodeId)),
    report: (attack, peer, detail) => stores.witness.seen('membership', attack, peer, detail),
  })
}

/** One identity that runs on two machines; of this node in the words that its own record uses, so it is told once. */
function duplicateIdentity(node: NodeId, self: NodeId): Alarm {
  const message =
    node === self
      ? `another machine runs with the identity of this node, ${node}`
      : `two machines run with the identity ${node}`
  return { code: 'ERR_DUPLICATE_IDENTITY', message, evidence: [] }
}
