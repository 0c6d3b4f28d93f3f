/** The public face of the triggers, and their list: a new kind is one folder and one line here. */
import type { TriggerSpec } from '../../mesh/index.ts'
import type { InterfaceId } from '../engine/index.ts'
import { satisfiesExport } from '../guest/index.ts'
import type { TriggerKind } from './contract.ts'
import { triggerProblems } from './problems.ts'
import { planWith, type PlannedTrigger } from './plan.ts'
import { blobTrigger } from './blob/index.ts'
import { cronTrigger } from './cron/index.ts'
import { httpTrigger } from './http/index.ts'
import { messageTrigger } from './message/index.ts'
import { keyValueTrigger } from './keyvalue/index.ts'
import { peerTrigger } from './peer/index.ts'
import { pinTrigger } from './pin/index.ts'
import { sensorTrigger } from './sensor/index.ts'
import { startTrigger } from './start/index.ts'
import { timerTrigger } from './timer/index.ts'

export type * from './contract.ts'
export { deliverySpec, writtenDelivery, type WrittenDelivery } from './delivery-options.ts'
export type { HandedEvent, PlannedTrigger } from './plan.ts'
export { EventCounter } from './event-counter.ts'
export { httpTriggerKind } from './http/index.ts'
export { subscriptionName } from './message/index.ts'
export { triggerProblems } from './problems.ts'

export const triggerKinds: readonly TriggerKind[] = [
  sensorTrigger,
  pinTrigger,
  timerTrigger,
  cronTrigger,
  messageTrigger,
  peerTrigger,
  keyValueTrigger,
  blobTrigger,
  httpTrigger,
  startTrigger,
]

/** @throws ERR_TRIGGER_UNKNOWN, ERR_TRIGGER_INVALID, ERR_TRIGGER_GRANT naming trigger and field */
export function planTriggers(specs: readonly TriggerSpec[], grants: readonly string[]): PlannedTrigger[] {
  return planWith(triggerKinds, specs, grants)
}

/** What a component with these triggers must export whatever else it does, sorted, each once. */
export function requiredExports(triggers: readonly PlannedTrigger[]): InterfaceId[] {
  const alone = triggers.filter(({ handlers }) => handlers.length === 1)
  return [...new Set(alone.map(({ handlers }) => handlers[0]))].sort()
}

/**
 * Of the triggers that several handlers would serve.
 * @param exports of the component, with their versions
 * @throws ERR_TRIGGER_HANDLER where it has none of a trigger's handlers
 */
export function checkHandlers(triggers: readonly PlannedTrigger[], exports: readonly string[]): void {
  for (const { kind, handlers } of triggers) {
    if (handlers.length === 1 || handlers.some((id) => exports.some((has) => satisfiesExport(has, id))))
      continue
    const has = exports.length === 0 ? 'it exports nothing' : `it exports ${exports.join(', ')}`
    throw triggerProblems.error(
      'ERR_TRIGGER_HANDLER',
      `the ${kind} trigger calls ${handlers.join(' or ')}, and the component exports neither; ${has}`,
    )
  }
}
