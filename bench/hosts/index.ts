/** What the product takes of small hosts, in figures. `npm run bench -- hosts [QUESTION]` */
import type { Benchmark, BenchContext, Finding } from '../benchmark.ts'
import { board } from './board.ts'
import { idle } from './idle.ts'
import { prepare } from './prepare.ts'
import { size } from './size.ts'

type Ask = (context: BenchContext) => Promise<Finding[]>

/** A question is a file and a line here. */
const questions: Readonly<Record<string, Ask>> = {
  size,
  idle,
  prepare,
  board,
}

export const hosts: Benchmark = {
  name: 'hosts',
  async run(context) {
    const chosen = Object.entries(questions).filter(
      ([name]) => context.question === null || name === context.question,
    )
    if (chosen.length === 0)
      throw new Error(
        `hosts has no question ${context.question}; there is ${Object.keys(questions).join(', ')}`,
      )
    const findings: Finding[] = []
    for (const [, ask] of chosen) findings.push(...(await ask(context)))
    return findings
  },
}
