/** What the glue between guest and host costs by itself, and that nothing of one call can be seen by the next. */
import { median, type BenchContext, type Finding } from '../benchmark.ts'
import type { GlueBench } from './glue-bench.ts'
import type { GuestOfBench } from './host.ts'
import type { Answer, Question } from './measure.ts'

const bench = 'engine'
const rounds = 5

export async function glueQuestions(glue: GlueBench, context: BenchContext): Promise<Finding[]> {
  return [
    ...(await freshCalls(glue, context)),
    await calls(glue, context, 'echo', 'event with one host call through the glue alone'),
    await calls(glue, context, 'hello-http', 'wasi:http hello with ten host calls through the glue alone'),
    await heap(glue, context),
  ]
}

/** Both in turn, so that what else the machine does meets both alike. */
async function inTurn(
  glue: GlueBench,
  own: Omit<Question, 'folder'>,
  rival: Omit<Question, 'folder'>,
): Promise<{ own: Answer[]; rival: Answer[] }> {
  const answers: { own: Answer[]; rival: Answer[] } = { own: [], rival: [] }
  for (let round = 0; round < rounds; round += 1) {
    answers.own.push(await glue.ask(own))
    answers.rival.push(await glue.ask(rival))
  }
  return answers
}

async function freshCalls(glue: GlueBench, { say }: BenchContext): Promise<Finding[]> {
  const about = { guest: 'echo', glue: 'tight', rounds: 20_000 } as const
  const answers = await inTurn(glue, { ...about, ask: 'fresh' }, { ...about, ask: 'bare' })
  const finding = (which: 'p50Us' | 'p99Us', metric: string, goalValue: number): Finding => ({
    bench,
    question: `fresh semantics plus one call, 64 KiB, ${metric}`,
    metric: `fresh_call_${metric}`,
    value: median(answers.own.map((answer) => answer[which])),
    unit: 'us',
    samples: rounds,
    rival: 'bare WebAssembly.Instance, no call',
    rivalValue: median(answers.rival.map((answer) => answer[which])),
    goalOf: 'value',
    op: '<=',
    goalValue,
  })
  say(
    `fresh call, us: ${answers.own.map(({ p50Us, p99Us }) => `${p50Us.toFixed(1)}/${p99Us.toFixed(1)}`).join(' ')}`,
  )
  return [finding('p50Us', 'p50', 10), finding('p99Us', 'p99', 50)]
}

async function calls(
  glue: GlueBench,
  { say }: BenchContext,
  guest: GuestOfBench,
  question: string,
): Promise<Finding> {
  const about = { ask: 'calls', guest } as const
  const answers = await inTurn(
    glue,
    { ...about, glue: 'tight', rounds: 200_000 },
    // It takes many times as long.
    { ...about, glue: 'original', rounds: 50_000 },
  )
  say(`${guest}: ${Math.round(perSecond(answers.own))} and ${Math.round(perSecond(answers.rival))} calls/s`)
  return {
    bench,
    question,
    metric: `glue_${guest}`,
    value: perSecond(answers.own),
    unit: 'calls/s',
    samples: rounds,
    rival: 'direct call of the jco output',
    rivalValue: perSecond(answers.rival),
    goalOf: 'ratio',
    op: '>=',
    goalValue: 5,
  }
}

function perSecond(answers: readonly Answer[]): number {
  return median(answers.map((answer) => answer.perSecond))
}

/** The rival's growth shows in fewer calls, which take it twenty times as long. */
async function heap(glue: GlueBench, { say }: BenchContext): Promise<Finding> {
  const about = { ask: 'heap', guest: 'hello-http' } as const
  const own = await glue.ask({ ...about, glue: 'tight', rounds: 2_000_000 })
  const rival = await glue.ask({ ...about, glue: 'original', rounds: 100_000 })
  say(`heap: ${own.bytesPerCall.toFixed(3)} bytes a call over 2,000,000`)
  return {
    bench,
    question: 'growth of the heap per wasi:http request, over 2 million',
    metric: 'heap_per_request',
    value: own.bytesPerCall,
    unit: 'bytes',
    samples: 1,
    rival: 'direct call of the jco output',
    rivalValue: rival.bytesPerCall,
    goalOf: 'value',
    op: '<=',
    // A counter that becomes a heap number, a table that grew once: not a leak.
    goalValue: 0.1,
  }
}
