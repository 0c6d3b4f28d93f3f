/**
 * How code travels, in figures: heads to everybody, differences between two nodes.
 * `npm run bench -- distribution [QUESTION]`
 */
import type { BenchContext, Benchmark, Finding } from '../benchmark.ts'
import { antiEntropy, headSpread } from './heads.ts'
import { rollout } from './rollout.ts'
import { swarm, swarmWithLeavers } from './swarm.ts'
import { transports } from './transports.ts'
import { update } from './update.ts'

/** A question is a file and a line here. */
const questions: Readonly<Record<string, (context: BenchContext) => Promise<Finding[]>>> = {
  heads: headSpread,
  'anti-entropy': antiEntropy,
  swarm,
  leaving: swarmWithLeavers,
  update,
  rollout,
  transports,
}

export const distribution: Benchmark = {
  name: 'distribution',
  async run(context) {
    const chosen = Object.entries(questions).filter(
      ([name]) => context.question === null || name === context.question,
    )
    if (chosen.length === 0) {
      const names = Object.keys(questions).join(', ')
      throw new Error(`distribution has no question ${context.question}; there is ${names}`)
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
