/** Checks a release's triggers against the kinds this node has and the grants it carries. */
import { createHash } from 'node:crypto'
import { safeParse, strictObject, type BaseIssue } from 'valibot'
import { nearestName } from '../../core/index.ts'
import type { TriggerSpec } from '../../mesh/index.ts'
import type { InterfaceId } from '../engine/index.ts'
import type {
  DeliveryTerms,
  EventFacts,
  Payload,
  RunningTrigger,
  TriggerContext,
  TriggerKind,
} from './contract.ts'
import { deliveryEntries, deliverySchema, termsOf } from './delivery-options.ts'
import { triggerProblems } from './problems.ts'

/** Triggers of one release; each is a timer or a subscription. */
const maxTriggers = 16

/** An event as it is handed to the app. */
export interface HandedEvent {
  readonly payload: Payload
  readonly facts: EventFacts
}

/** A trigger that may be started as often as needed. */
export interface PlannedTrigger {
  /** Equal for equal triggers: a swap leaves those running that both releases have. */
  readonly key: string
  /** Equal where what makes the events is: their queue is the same however they are delivered. */
  readonly lane: string
  readonly kind: string
  /** The component must export one of them. */
  readonly handlers: readonly [InterfaceId, ...InterfaceId[]]
  /** What its events call: `INTERFACE#FUNCTION`. */
  readonly target: string
  readonly firesAtStart: boolean
  readonly terms: DeliveryTerms
  /**
   * The call's arguments: of one event, or of a list where the terms say so.
   * @throws where a payload is not what this kind makes
   */
  args(events: readonly HandedEvent[]): readonly unknown[]
  start(context: TriggerContext): RunningTrigger
}

/** @throws ERR_TRIGGER_UNKNOWN, ERR_TRIGGER_INVALID, ERR_TRIGGER_GRANT naming trigger and field */
export function planWith(
  kinds: readonly TriggerKind[],
  specs: readonly TriggerSpec[],
  grants: readonly string[],
): PlannedTrigger[] {
  if (specs.length > maxTriggers) {
    const message = `the release has ${specs.length} triggers; a node runs at most ${maxTriggers} for one app`
    throw triggerProblems.error('ERR_TRIGGER_INVALID', message)
  }
  return specs.map((spec, index) => planOne(kinds, spec, `triggers[${index}]`, grants))
}

function planOne(
  kinds: readonly TriggerKind[],
  spec: TriggerSpec,
  field: string,
  grants: readonly string[],
): PlannedTrigger {
  const kind = kindOf(kinds, spec.kind, field)
  const { own, terms } = readSpec(kind, spec, field)
  const options = own.options
  const missing = kind.requiredGrants(options).filter((grant) => !grants.includes(grant))
  if (missing.length > 0) {
    throw triggerProblems.error(
      'ERR_TRIGGER_GRANT',
      `${field} (${spec.kind}) needs the grant ${missing.join(', ')}`,
      { hint: `grant ${missing.join(', ')} in selvedge.toml, or take the trigger out, and publish again` },
    )
  }
  const { batchArgs } = kind
  const handlers = terms.batch === null ? kind.handlers : (kind.batchHandlers ?? kind.handlers)
  return {
    key: textOf(spec),
    lane: `${kind.kind}.${shortHash(textOf(own.written))}`,
    kind: kind.kind,
    handlers,
    target: `${handlers[0]}#${kind.method}`,
    firesAtStart: kind.firesAtStart === true,
    terms,
    args(events) {
      if (terms.batch !== null && batchArgs !== undefined) return batchArgs.call(kind, events)
      const [event] = events
      return event === undefined ? [] : kind.args(event.payload, event.facts)
    },
    start: (context) => kind.start(options, context),
  }
}

function readSpec(
  kind: TriggerKind,
  spec: TriggerSpec,
  field: string,
): { own: { options: unknown; written: Record<string, unknown> }; terms: DeliveryTerms } {
  const fields = Object.entries(spec).filter(([name]) => name !== 'kind')
  const ofDelivery = fields.filter(([name]) => name in deliveryEntries)
  const written = Object.fromEntries(fields.filter(([name]) => !(name in deliveryEntries)))
  const options = safeParse(kind.options, written)
  if (!options.success) throw invalid(field, options.issues[0])
  const delivery = safeParse(strictObject(deliverySchema.entries), Object.fromEntries(ofDelivery))
  if (!delivery.success) throw invalid(field, delivery.issues[0])
  const mayBatch = kind.batchHandlers !== undefined
  const terms = termsOf(delivery.output, { delivery: kind.delivery, mayBatch })
  if (!('why' in terms)) return { own: { options: options.output, written }, terms }
  throw triggerProblems.error('ERR_TRIGGER_INVALID', `${field}.${terms.field}: ${terms.why}`)
}

function invalid(field: string, issue: BaseIssue<unknown>): Error {
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? ''
  // A rule over several fields has the whole object for its input.
  const input = typeof issue.input === 'object' ? '' : `${JSON.stringify(issue.input) ?? 'nothing'} `
  const message = `${field}${path === '' ? '' : `.${path}`}: ${input}${issue.message}`
  return triggerProblems.error('ERR_TRIGGER_INVALID', message)
}

function textOf(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify(Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function kindOf(kinds: readonly TriggerKind[], name: string, field: string): TriggerKind {
  const kind = kinds.find((candidate) => candidate.kind === name)
  if (kind !== undefined) return kind
  const known = kinds.map((candidate) => candidate.kind)
  const nearest = nearestName(name, known)
  const question = nearest === null ? '' : `; did you mean "${nearest}"?`
  throw triggerProblems.error(
    'ERR_TRIGGER_UNKNOWN',
    `${field}.kind: there is no trigger "${name.slice(0, 60)}"${question}`,
    { hint: `this node has: ${known.join(', ')}; a newer one may have more` },
  )
}
