/**
 * A trigger turns something that happens into an event for one app: one folder each, and one line in
 * `triggers/index.ts`. It never calls the app; it hands events over and goes on.
 */
import type { GenericSchema } from 'valibot'
import type { Clock, SelvedgeError } from '../../core/index.ts'
import type { Sensor } from '../devices/index.ts'
import type { InterfaceId } from '../engine/index.ts'

/** One event on its way; it gets its id when the app's queue takes it. */
export interface TriggerEvent {
  /** The export it calls: `selvedge:edge/sensor-handler@0.1.0#handle`. */
  readonly target: string
  /** The call's arguments, as jco takes them. */
  args(id: number): readonly unknown[]
}

export interface TriggerContext {
  /** Those the release was granted. */
  readonly sensors: ReadonlyMap<string, Sensor>
  readonly clock: Clock
  /** Must not throw and must not block. */
  emit(event: TriggerEvent): void
  /** Told once when events cannot be made; again only after one could be made. */
  failed(problem: SelvedgeError): void
}

export interface RunningTrigger {
  /** After it nothing is emitted any more. May be called twice. */
  stop(): void
}

export interface TriggerKind<Options = unknown> {
  /** As written in `kind = "…"`. */
  readonly kind: string
  readonly summary: string
  /** Of everything beside `kind`. */
  readonly options: GenericSchema<unknown, Options>
  /** The interfaces of which the component must export one. */
  readonly handlers: readonly [InterfaceId, ...InterfaceId[]]
  /** Its function that handles an event. */
  readonly method: string
  /** One event, without arguments, each time the app begins to be served: by a new release, or again after a failure. */
  readonly firesAtStart?: boolean
  /** Grants without which it cannot work, as `kind:name`. */
  requiredGrants(options: Options): readonly string[]
  start(options: Options, context: TriggerContext): RunningTrigger
}
