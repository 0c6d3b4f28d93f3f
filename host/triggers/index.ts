/** The public face of the triggers, and their list: a new kind is one folder and one line here. */
import type { TriggerSpec } from '../../mesh/index.ts'
import type { InterfaceId } from '../engine/index.ts'
import type { TriggerKind } from './contract.ts'
import { planWith, type PlannedTrigger } from './plan.ts'
import { sensorTrigger } from './sensor/index.ts'

export type * from './contract.ts'
export type { PlannedTrigger } from './plan.ts'
export { EventCounter } from './event-counter.ts'
export { triggerProblems } from './problems.ts'

const triggerKinds: readonly TriggerKind[] = [sensorTrigger]

/** @throws ERR_TRIGGER_UNKNOWN, ERR_TRIGGER_INVALID, ERR_TRIGGER_GRANT naming trigger and field */
export function planTriggers(specs: readonly TriggerSpec[], grants: readonly string[]): PlannedTrigger[] {
  return planWith(triggerKinds, specs, grants)
}

/** What a component with these triggers must export, sorted, each once. */
export function requiredExports(triggers: readonly PlannedTrigger[]): InterfaceId[] {
  return [...new Set(triggers.map(({ requiredExport }) => requiredExport))].sort()
}
