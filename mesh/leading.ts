/** Gateways among the other parts of the mesh: who offers to be one, who is near, and what this node tells of itself. */
import type { Clock, Log, Random } from '../core/index.ts'
import { Gateways, type Reachable } from './gateway/index.ts'
import type { MembershipWatch } from './membership/index.ts'
import type { NodeDescription } from './own-record.ts'
import type { Stores } from './stores.ts'
import type { Transport } from './transport/index.ts'

/** What its owner says of this node's way to the others. */
export interface GatewayOptions {
  /** `auto` asks other members to dial back. */
  readonly reachable: Reachable
  /** Whether it is a gateway for others; null to go by the roles of its credential. */
  readonly serves: boolean | null
  /** Most that it carries for others, both directions together. */
  readonly bytesPerSecond?: number
}

export interface LeadingNeeds {
  readonly stores: Stores
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly options: GatewayOptions | undefined
  isOnline(): boolean
  readonly watch: Pick<MembershipWatch, 'opinion' | 'want'>
  onChange(): void
}

/** The role in a credential, and in a node's record the feature that says that it acts as one. */
export const gatewayRole = 'gateway'
/** Addresses of its own that a node tells beside those through gateways; a record holds sixteen, a dial tries twelve. */
const ownAddresses = 8

/** Whether a node is a gateway for others. */
export function servesAsGateway({ transport, stores, options }: LeadingNeeds): boolean {
  const roles = stores.credentials.members().find(({ id }) => id === transport.self)?.roles ?? []
  return options?.serves ?? roles.includes(gatewayRole)
}

export function createGateways(needs: LeadingNeeds): Gateways {
  const { stores, transport, clock, random, log, options, isOnline, watch, onChange } = needs
  const { self } = transport
  const bytesPerSecond = options?.bytesPerSecond
  return new Gateways({
    transport,
    clock,
    random,
    log: log.scope('gateways'),
    isServing: servesAsGateway(needs),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    reachable: options?.reachable ?? 'auto',
    isOnline,
    members() {
      const all = stores.credentials.members()
      const own = all.find(({ id }) => id === self)?.groups ?? []
      return all
        .filter(({ id }) => id !== self)
        .map(({ id, groups }) => {
          const report = stores.records.get(id)?.record.report
          const held = watch.opinion(id)
          return {
            node: id,
            isSameGroup: groups.some((group) => own.includes(group)),
            isAlive: held === null || held.verdict === 'alive' || held.verdict === 'suspect',
            rttMs: held?.rttMs ?? null,
            isGateway: report?.features.includes(gatewayRole) ?? false,
            addresses: report?.addresses ?? [],
          }
        })
    },
    want: (node, forMs) => watch.want(node, forMs),
    onChange,
  })
}

/** What others are told: a gateway says that it is one. */
export function describeWith(gateways: Gateways, description: NodeDescription): NodeDescription {
  if (gateways.state.serving === null) return description
  return { ...description, features: [...description.features, gatewayRole] }
}

/** Where others find this node: directly first. */
export function addressesWith(gateways: Gateways, own: readonly string[]): string[] {
  const relayed = gateways.addresses()
  return relayed.length === 0 ? [...own] : [...own.slice(0, ownAddresses), ...relayed]
}
