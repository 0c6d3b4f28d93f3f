/** What apps store and send, in figures. `npm run bench -- data [QUESTION]` */
import type { Benchmark, BenchContext, Finding } from '../benchmark.ts'
import { events } from './events.ts'
import { boot } from './boot.ts'
import { group } from './group.ts'
import { keyvalue } from './keyvalue.ts'
import { messagesQuestion } from './messages.ts'

type Ask = (context: BenchContext) => Promise<Finding[]>

/** A question is a file and a line here. */
const questions: Readonly<Record<string, Ask>> = {
  keyvalue,
  events,
  messages: messagesQuestion,
  group,
  boot,
}

export const data: Benchmark = {
  name: 'data',
  async run(context) {
    const chosen = Object.entries(questions).filter(
      ([name]) => context.question === null || name === context.question,
    )
    if (chosen.length === 0)
      throw new Error(
        `data has no question ${context.question}; there is ${Object.keys(questions).join(', ')}`,
      )
    const findings: Finding[] = []
    for (const [, ask] of chosen) findings.push(...(await ask(context)))
    return findings
  },
}
