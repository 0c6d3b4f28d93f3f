/** The bridges of a node. */
import type { Brokers } from '../contract.ts'
import { Bridge, type BridgeNeeds } from './bridge.ts'
import type { BridgeConfig, BridgeReport } from './contract.ts'

export interface BridgesNeeds extends Omit<BridgeNeeds, 'broker'> {
  readonly brokers: Brokers
}

/** A part of the node: it starts after the topics, and stops before them. */
export interface Bridges {
  readonly name: string
  start(): Promise<void>
  stop(): void
  reports(): readonly BridgeReport[]
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
    },
    stop() {
      for (const bridge of bridges) bridge.stop()
    },
    reports: () => bridges.map((bridge) => bridge.report()),
  }
}

/** Names of brokers that are to keep what comes for this node while it is away: those from which a bridge takes. */
export function keptBrokers(configs: readonly BridgeConfig[]): ReadonlySet<string> {
  return new Set(configs.filter((config) => config.in.length > 0).map(({ broker }) => broker))
}
