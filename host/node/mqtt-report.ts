/** What the brokers and bridges of this node show of themselves: for `status`, and for metrics. */
import type { StatusReport } from '../api/index.ts'
import type { BrokerReading } from '../metrics/index.ts'
import type { Bridges, Brokers } from '../mqtt/index.ts'

/** What is wrong with them. */
export function mqttTroubles(
  brokers: Brokers,
  bridges: Pick<Bridges, 'reports'>,
  fixOf: (code: string) => string,
): StatusReport['problems'] {
  const ofBrokers = brokers.all().flatMap((broker) => {
    const { problem } = broker.health()
    return problem === null ? [] : [{ ...problem, message: `broker ${broker.name}: ${problem.message}` }]
  })
  const ofBridges = bridges.reports().flatMap(({ problem }) => (problem === null ? [] : [problem]))
  return [...ofBrokers, ...ofBridges].map((problem) => ({ ...problem, hint: fixOf(problem.code) }))
}

export function brokerReadings(brokers: Brokers): readonly BrokerReading[] {
  return brokers.all().map((broker) => ({
    name: broker.name,
    isUp: broker.health().state === 'up',
    counts: broker.counts(),
  }))
}
