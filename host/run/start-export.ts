/** Which of a file's exports starts it: a component may have that of WASI 0.2 and that of 0.3. */
import type { ComponentFacts } from '../engine/index.ts'
import { runProblems } from './problems.ts'

/**
 * @param file for the error
 * @returns `interface@version#run`
 * @throws ERR_NOT_A_COMMAND
 */
export function startOf({ exports }: Pick<ComponentFacts, 'exports'>, file: string): string {
  const runs = exports.filter((name) => name.startsWith('wasi:cli/run@'))
  // A program that has both keeps that of 0.2 for the start code of its language: its own is the asynchronous one.
  const run = runs.find((name) => name.startsWith('wasi:cli/run@0.3.')) ?? runs[0]
  if (run !== undefined) return `${run}#run`
  const has = exports.length === 0 ? 'it exports nothing' : `it exports ${exports.slice(0, 8).join(', ')}`
  const serves = exports.some((name) =>
    /^(wasi:http\/(incoming-)?handler|selvedge:edge\/http-handler)@/.test(name),
  )
  const message = `${file} exports no wasi:cli/run and no _start; ${has}`
  throw runProblems.error(
    'ERR_NOT_A_COMMAND',
    message,
    serves ? { hint: `it answers HTTP requests: start it with \`selvedge serve ${file}\`` } : {},
  )
}
