/**
 * fast-check with few runs of each property, as an emulator is many times slower than what the tests were written on; every
 * host draws others.
 */
import * as check from 'fast-check'

// oxlint-disable-next-line import/export -- `assert` below stands in for theirs
export * from 'fast-check'

/** Whoever wrote a property asked for fewer runs the longer one takes; a tenth of them, within bounds. */
const fewestRuns = 4
const mostRuns = 25
const usualRuns = 100

export const assert: typeof check.assert = ((property: never, parameters: check.Parameters = {}) =>
  check.assert(property, {
    ...parameters,
    numRuns: Math.min(mostRuns, Math.max(fewestRuns, Math.ceil((parameters.numRuns ?? usualRuns) / 10))),
  })) as typeof check.assert
