/** Options that all devices on a broker have, and the broker that one of them names. */
import * as v from 'valibot'
import { filterProblem, mqttProblems, topicProblem, type Broker } from '../../mqtt/index.ts'
import { durationField } from '../../toml/index.ts'
import type { DriverContext } from '../contract.ts'
import { parsePointer } from './payload.ts'

/** @throws ERR_BROKER_UNKNOWN */
export function brokerOf(name: string, { brokers }: DriverContext): Broker {
  if (brokers !== undefined) return brokers.get(name)
  throw mqttProblems.error('ERR_BROKER_UNKNOWN', `there are no brokers here, and so no "${name}"`)
}

/** Tells what is wrong by the check's own words. */
const checked = (problemOf: (text: string) => string | null) =>
  v.pipe(
    v.string(),
    v.rawCheck(({ dataset, addIssue }) => {
      const problem = dataset.typed ? problemOf(dataset.value) : null
      if (problem !== null) addIssue({ message: problem })
    }),
  )

export const brokerField = v.pipe(v.string(), v.minLength(1), v.maxLength(63))
export const topicField = checked(topicProblem)
/** A sensor may listen to several topics, each of which is its own. */
export const filterField = checked(filterProblem)
export const pointerField = checked((text) =>
  parsePointer(text) === null ? 'is no JSON pointer; write "/member", or "/outer/0/inner"' : null,
)
export const unitField = v.pipe(v.string(), v.minLength(1), v.maxLength(16))
export const wordField = v.pipe(v.string(), v.minLength(1), v.maxLength(256))
export const staleField = durationField('1s', '31d')
const finite = v.pipe(v.number(), v.finite())
/** Ends of the scale: `range = [0, 100]`. */
export const rangeField = v.pipe(
  v.tuple([finite, finite]),
  v.check(([min, max]) => min <= max, 'is no range; write [lowest, highest]'),
  v.transform(([min, max]) => ({ min, max })),
)
