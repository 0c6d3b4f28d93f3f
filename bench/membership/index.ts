/**
 * Who is alive, in figures: how soon an end is known to all, how often somebody who lives is called dead, and what
 * knowing it costs. `npm run bench -- membership [QUESTION]`
 */
import type { BenchContext, Benchmark, Finding } from '../benchmark.ts'
import { calls } from './calls.ts'
import { falseDeaths } from './false-deaths.ts'
import { faults } from './faults.ts'
import { heal } from './heal.ts'
import { idle } from './idle.ts'
import { longPartition } from './long-partition.ts'
import { scale } from './scale.ts'

/** A question is a file and a line here. */
const questions: Readonly<Record<string, (context: BenchContext) => Promise<Finding[]>>> = {
  faults,
  heal,
  'long-partition': longPartition,
  scale,
  'false-deaths': falseDeaths,
  idle,
  calls,
}

export const membership: Benchmark = {
  name: 'membership',
  async run(context) {
    const chosen = Object.entries(questions).filter(
      ([name]) => context.question === null || name === context.question,
    )
    if (chosen.length === 0) {
      const names = Object.keys(questions).join(', ')
      throw new Error(`membership has no question ${context.question}; there is ${names}`)
    }
    const findings: Finding[] = []
    for (const [name, ask] of chosen) {
      const startedAt = performance.now()
      findings.push(...(await ask(context)))
      context.say(`${name} took ${Math.round((performance.now() - startedAt) / 1_000)} s`)
    }
    return findings
  },
}
