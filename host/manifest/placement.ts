/** `[placement]`: on which nodes an app runs, and on how many. */
import * as v from 'valibot'
import type { PlacementRule } from '../../mesh/index.ts'
import { needRule, parseNeed } from '../placement/index.ts'
import { durationField } from '../toml/index.ts'

/** Those of the signed record, as a person is told them. */
const bounds = { needs: 32, needLength: 96, replicas: 4_096 } as const

/** Where a minority stops, the others must not begin before it knows that it is one, and has ended what it does. */
const stopNeedsMs = 10_000

const count = `must be "all" or a whole number from 1 to ${bounds.replicas}`
const need = v.pipe(
  v.string(),
  v.maxLength(bounds.needLength, `is too long; at most ${bounds.needLength} characters`),
  v.check((text) => parseNeed(text) !== null, `is no need; write ${needRule}, for example "arch:arm64"`),
)

export const placementEntries = {
  /** How many nodes run it at once. */
  replicas: v.optional(
    v.union(
      [v.literal('all'), v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(bounds.replicas))],
      count,
    ),
  ),
  per: v.optional(v.picklist(['group', 'mesh'])),
  /** What a node must have beside what the grants name. */
  needs: v.optional(
    v.pipe(v.array(need), v.maxLength(bounds.needs, `has more than ${bounds.needs} entries; remove some`)),
    [],
  ),
  'every-group': v.optional(v.boolean()),
  'replace-after': v.optional(durationField('1s', '744h')),
  minority: v.optional(v.picklist(['run', 'stop'])),
  'stable-names': v.optional(v.boolean()),
}

type Written = {
  readonly [Field in keyof typeof placementEntries]?: v.InferOutput<(typeof placementEntries)[Field]>
}

export function canStopInTime(written: Written): boolean {
  return written.minority !== 'stop' || (written['replace-after'] ?? stopNeedsMs) >= stopNeedsMs
}
export const tooEarly = `is too short beside minority = "stop", where nodes first have to find out that they are cut off; write "10s" or more`

/** Only what was said: a record names no defaults. */
export function placementOf(written: Written): PlacementRule {
  const { replicas, per, needs = [], minority } = written
  const rule: PlacementRule = {
    replicas: replicas === 'all' ? undefined : replicas,
    per,
    needs: needs.length === 0 ? undefined : [...new Set(needs)].sort(),
    everyGroup: written['every-group'],
    replaceAfterMs: written['replace-after'],
    minority,
    stableNames: written['stable-names'],
  }
  return Object.fromEntries(Object.entries(rule).filter(([, value]) => value !== undefined))
}

/** A node that does not know these would run one too many, or where it must not. */
export function isCritical({ replicas, needs, everyGroup, minority }: PlacementRule): boolean {
  return replicas !== undefined || needs !== undefined || everyGroup === true || minority === 'stop'
}
