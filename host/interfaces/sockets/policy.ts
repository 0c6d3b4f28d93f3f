/** What an app may do on the network. The grants make it; everything that reaches a network asks it first. */
import { isIP } from 'node:net'
import type { NetworkUse, WireAddress } from '../../guest/index.ts'
import { reachableBy } from '../own-machine.ts'
import {
  formatNetworkRule,
  isMember,
  networkUses,
  parseNetworkRule,
  plainAddress,
  type NetworkRule,
} from './network-rule.ts'

export interface NetworkPolicy {
  /** @param goal the address to be bound or reached; for `lookup` the name */
  allows(use: NetworkUse, goal: WireAddress | string): boolean
  /** What the system's resolver said of a name that the app may look up: where a grant names it, these are meant. */
  resolved(name: string, addresses: readonly string[]): void
}

/** The kind of grant, and also the list under `[grants]`: `network = ["tcp-connect:db.example:5432"]`. */
export const networkGrantKind = 'network'

/** A misspelt grant would open nothing, and nobody would see why. */
export const networkNames = {
  canonical(name: string): string | null {
    const rule = parseNetworkRule(name)
    return rule === null ? null : formatNetworkRule(rule)
  },
  rule:
    'write network:tcp-connect:HOST:PORT, network:udp:HOST:PORT, network:tcp-listen:PORT, network:udp-listen:PORT or ' +
    'network:lookup:NAME; HOST being a name, an address, a network as 10.1.0.0/16 or *, and PORT a port, a range as ' +
    `8000-8010 or *; or the use alone for all of it, one of ${networkUses.join(', ')}`,
} as const

/** Answers that are remembered of one name: a resolver that turns them around gives others each time. */
const rememberedAnswers = 4
/** Of one answer; a resolver that gives more is not believed further. */
const maxAddresses = 64

/** @param names as granted; one that this version does not know allows nothing */
export function networkPolicy(names: readonly string[]): NetworkPolicy {
  return new GrantedNetwork(names.flatMap((name) => parseNetworkRule(name) ?? []))
}

class GrantedNetwork implements NetworkPolicy {
  readonly #rules: readonly NetworkRule[]
  /** By name, the newest answer last. Only names that are granted, so their number is bounded. */
  readonly #answers = new Map<string, (readonly string[])[]>()

  constructor(rules: readonly NetworkRule[]) {
    this.#rules = rules
  }

  allows(use: NetworkUse, goal: WireAddress | string): boolean {
    if (typeof goal === 'string') return this.#rules.some((rule) => this.#mayLookUp(rule, goal))
    const { port } = goal
    const host = plainAddress(goal.host)
    return this.#rules.some((rule) => {
      if (use === 'udp-listen' && rule.use === 'udp') return isWhole(rule) || port === 0
      return (
        rule.use === use && rule.ports.first <= port && port <= rule.ports.last && this.#leads(rule, host)
      )
    })
  }

  resolved(name: string, addresses: readonly string[]): void {
    const known = nameOf(name)
    if (!this.#rules.some(({ host }) => host.kind === 'name' && host.name === known)) return
    const reachable = reachableBy(known, addresses.slice(0, maxAddresses))
    const before = this.#answers.get(known) ?? []
    this.#answers.set(known, [...before, reachable].slice(-rememberedAnswers))
  }

  #leads({ host }: NetworkRule, address: string): boolean {
    if (host.kind === 'any') return true
    if (host.kind === 'network') return isMember(host.members, address)
    return (this.#answers.get(host.name) ?? []).some((answer) => answer.includes(address))
  }

  /** Also what it may reach: a program asks for the address of a name, and often of an address too. */
  #mayLookUp(rule: NetworkRule, name: string): boolean {
    const { use, host } = rule
    if (use === 'lookup' && host.kind === 'any') return true
    if (host.kind === 'name') return host.name === nameOf(name)
    return (
      isIP(name) !== 0 && (use === 'tcp-connect' || use === 'udp') && this.#leads(rule, plainAddress(name))
    )
  }
}

function isWhole({ host, ports }: NetworkRule): boolean {
  return host.kind === 'any' && ports.first === 0
}

/** Names are the same in any case, and with the dot of the root. */
function nameOf(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
