/**
 * fast-check with few runs of each property, as an emulator is many times slower than what the tests were written on; every
 * host draws others.
 */
import * as check from 'fast-check'

// oxlint-disable-next-line import/export -- `assert` below stands in for theirs
export * from 'fast-check'

const mostRuns = 25

export const assert: typeof check.assert = ((property: never, parameters: check.Parameters = {}) =>
  check.assert(property, {
    ...parameters,
    numRuns: Math.min(parameters.numRuns ?? mostRuns, mostRuns),
  })) as typeof check.assert
