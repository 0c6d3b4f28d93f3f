/** What is wrong with the brokers of this node, for `status`. */
import type { StatusReport } from '../api/index.ts'
import type { Brokers } from '../mqtt/index.ts'

export function mqttTroubles(brokers: Brokers, fixOf: (code: string) => string): StatusReport['problems'] {
  return brokers.all().flatMap((broker) => {
    const { problem } = broker.health()
    if (problem === null) return []
    return [
      { code: problem.code, message: `broker ${broker.name}: ${problem.message}`, hint: fixOf(problem.code) },
    ]
  })
}
