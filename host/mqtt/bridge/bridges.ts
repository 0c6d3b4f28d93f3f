/** The bridges of a node. */
import { messageOf } from '../../../core/index.ts'
import type { Topics } from '../../messages/index.ts'
import type { Brokers } from '../contract.ts'
import { Bridge, subscriptionOf, subscriptionPrefix, type BridgeNeeds } from './bridge.ts'
import type { BridgeConfig, BridgeReport } from './contract.ts'
import type { BridgeLetters } from './letters.ts'

export interface BridgesNeeds extends Omit<BridgeNeeds, 'broker' | 'topics'> {
  readonly brokers: Brokers
  /** Those of bridges that the TOML has no more are let go of. */
  readonly topics: Topics & { readonly subscriptions: readonly string[] }
}

/** A part of the node: it starts after the topics, and stops before them. */
export interface Bridges {
  readonly name: string
  start(): Promise<void>
  stop(): void
  reports(): readonly BridgeReport[]
  /** Of one by its name; null where there is none. */
  letters(name: string): BridgeLetters | null
}

/** @throws ERR_BROKER_UNKNOWN */
export function createBridges(configs: readonly BridgeConfig[], needs: BridgesNeeds): Bridges {
  const bridges = configs.map(
    (config) => new Bridge(config, { ...needs, broker: needs.brokers.get(config.broker) }),
  )
  return {
    name: 'bridges',
    async start() {
      await Promise.all(bridges.map((bridge) => bridge.start()))
      const { topics, log } = needs
      const own = new Set(configs.filter((config) => config.out.length > 0).map(subscriptionOf))
      for (const name of topics.subscriptions) {
        if (!name.startsWith(subscriptionPrefix) || own.has(name)) continue
        topics.forget(name).catch((error: unknown) => {
          log.warn('bridge:subscription-kept', { name, error: messageOf(error) })
        })
      }
    },
    stop() {
      for (const bridge of bridges) bridge.stop()
    },
    reports: () => bridges.map((bridge) => bridge.report()),
    letters: (name) => bridges.find((bridge) => bridge.name === name)?.letters ?? null,
  }
}

/** Names of brokers that are to keep what comes for this node while it is away: those from which a bridge takes. */
export function keptBrokers(configs: readonly BridgeConfig[]): ReadonlySet<string> {
  return new Set(configs.filter((config) => config.in.length > 0).map(({ broker }) => broker))
}
