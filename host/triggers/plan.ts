/** Checks a release's triggers against the kinds this node has and the grants it carries. */
import { safeParse } from 'valibot'
import { nearestName } from '../../core/index.ts'
import type { TriggerSpec } from '../../mesh/index.ts'
import type { InterfaceId } from '../engine/index.ts'
import type { RunningTrigger, TriggerContext, TriggerKind } from './contract.ts'
import { triggerProblems } from './problems.ts'

/** Triggers of one release; each is a timer or a subscription. */
const maxTriggers = 16

/** A trigger that may be started as often as needed. */
export interface PlannedTrigger {
  /** Equal for equal triggers: a swap leaves those running that both releases have. */
  readonly key: string
  readonly kind: string
  /** The component must export one of them. */
  readonly handlers: readonly [InterfaceId, ...InterfaceId[]]
  /** What its events call: `INTERFACE#FUNCTION`. */
  readonly target: string
  readonly firesAtStart: boolean
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
  const { kind: _, ...rest } = spec
  const result = safeParse(kind.options, rest)
  if (!result.success) {
    const [issue] = result.issues
    const path = issue.path?.map(({ key }) => String(key)).join('.') ?? ''
    const message = `${field}${path === '' ? '' : `.${path}`}: ${JSON.stringify(issue.input) ?? 'nothing'} ${issue.message}`
    throw triggerProblems.error('ERR_TRIGGER_INVALID', message)
  }
  const missing = kind.requiredGrants(result.output).filter((grant) => !grants.includes(grant))
  if (missing.length > 0) {
    throw triggerProblems.error(
      'ERR_TRIGGER_GRANT',
      `${field} (${spec.kind}) needs the grant ${missing.join(', ')}`,
      { hint: `grant ${missing.join(', ')} in selvedge.toml, or take the trigger out, and publish again` },
    )
  }
  return {
    key: JSON.stringify(Object.entries(spec).sort(([a], [b]) => (a < b ? -1 : 1))),
    kind: kind.kind,
    handlers: kind.handlers,
    target: `${kind.handlers[0]}#${kind.method}`,
    firesAtStart: kind.firesAtStart === true,
    start: (context) => kind.start(result.output, context),
  }
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
