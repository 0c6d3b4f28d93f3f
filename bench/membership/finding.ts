/** A figure of this folder, with what all of them share filled in. */
import { percentile } from '../../test/sim/spread.ts'
import type { Finding } from '../benchmark.ts'

export interface Figure {
  readonly question: string
  readonly metric: string
  readonly value: number | null
  readonly unit: string
  readonly samples: number
  readonly rival?: string
  readonly rivalValue?: number | null
  readonly goalValue: number
  readonly skipped?: string
}

/** A goal of the form "at most"; what never came about, an infinite time, counts as missing. */
export function atMost({ rival = '–', rivalValue = null, ...figure }: Figure): Finding {
  const value = figure.value !== null && Number.isFinite(figure.value) ? figure.value : null
  return { bench: 'membership', ...figure, value, rival, rivalValue, goalOf: 'value', op: '<=' }
}

/** @returns NaN for nothing */
export function percentileOf(values: readonly number[], percent: number): number {
  return percentile(
    [...values].sort((a, b) => a - b),
    percent,
  )
}
