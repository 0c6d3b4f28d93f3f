/** The brokers of a node, by the names in its TOML. */
import { nearestName, type Clock, type Log, type Random } from '../../core/index.ts'
import { MqttBroker } from './broker.ts'
import type { BrokerConfig, Brokers } from './contract.ts'
import { brokerLimits, type BrokerLimits } from './limits.ts'
import { mqttProblems } from './problems.ts'

export interface BrokersNeeds {
  /** What brokers know this node by where their table says nothing: letters and digits, 23 at most for old brokers. */
  readonly clientId: string
  /** Names of those that are to keep what comes for this node while it is away. */
  readonly kept: ReadonlySet<string>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limits?: BrokerLimits
}

/** Connects to nothing before `start`. */
export function createBrokers(config: Readonly<Record<string, BrokerConfig>>, needs: BrokersNeeds): Brokers {
  const { kept, limits = brokerLimits } = needs
  const brokers = new Map(
    Object.entries(config).map(([name, table]) => [
      name,
      new MqttBroker(name, table, { ...needs, limits, isKept: kept.has(name) }),
    ]),
  )
  return {
    get(name) {
      const broker = brokers.get(name)
      if (broker !== undefined) return broker
      const nearest = nearestName(name, [...brokers.keys()])
      const question = nearest === null ? '' : `; did you mean "${nearest}"?`
      throw mqttProblems.error('ERR_BROKER_UNKNOWN', `there is no broker "${name.slice(0, 60)}"${question}`)
    },
    all: () => [...brokers.values()],
    start() {
      for (const broker of brokers.values()) broker.start()
    },
    async stop() {
      await Promise.all([...brokers.values()].map((broker) => broker.stop()))
    },
  }
}
