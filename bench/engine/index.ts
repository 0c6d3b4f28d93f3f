/**
 * The engine in figures: from what one call costs inside a sandbox to what a client sees through the server.
 * `npm run bench -- engine [QUESTION]`
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark, Finding } from '../benchmark.ts'
import { events, firstAnswers } from './calls.ts'
import { GlueBench } from './glue-bench.ts'
import { glueQuestions } from './glue-questions.ts'
import { smallGuests, starlingMonkey } from './http.ts'
import { flatMemory, idleMemory } from './memory.ts'
import { neighbours } from './neighbours.ts'
import { Workshop } from './workshop.ts'

type Ask = (workshop: Workshop, glue: () => Promise<GlueBench>) => Promise<Finding[]>

/** A question is a file and a line here. */
const questions: Readonly<Record<string, Ask>> = {
  glue: async ({ context }, glue) => glueQuestions(await glue(), context),
  http: smallGuests,
  starlingmonkey: starlingMonkey,
  events: async (workshop, glue) => events(workshop, await glue()),
  first: firstAnswers,
  neighbours,
  idle: idleMemory,
  flat: flatMemory,
}

export const engine: Benchmark = {
  name: 'engine',
  async run(context) {
    const chosen = Object.entries(questions).filter(
      ([name]) => context.question === null || name === context.question,
    )
    if (chosen.length === 0)
      throw new Error(
        `engine has no question ${context.question}; there is ${Object.keys(questions).join(', ')}`,
      )
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-bench-'))
    try {
      const workshop = await Workshop.open(context, join(folder, 'workshop'))
      let made: Promise<GlueBench> | null = null
      const glue = (): Promise<GlueBench> => (made ??= GlueBench.create(context.root, folder))
      const findings: Finding[] = []
      for (const [name, ask] of chosen) {
        const startedAt = performance.now()
        findings.push(...(await ask(workshop, glue)))
        context.say(`${name} took ${Math.round((performance.now() - startedAt) / 1_000)} s`)
      }
      return findings
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
}
