/** From options as they were typed to what the program may use. */
import { isSelvedgeError } from '../../core/index.ts'
import { parseDuration, parseSize } from '../toml/index.ts'
import type { RunLimits } from './contract.ts'
import { runProblems } from './problems.ts'

export interface TypedLimits {
  readonly memory: string | undefined
  readonly deadline: string | undefined
  readonly isolation: string | undefined
}

/** All that 32 bits of address reach. */
const defaultMemoryBytes = 4 * 1024 ** 3

/** @throws ERR_RUN_OPTION */
export function readLimits(
  { memory, deadline, isolation = 'worker' }: TypedLimits,
  deadlineMs: number,
): RunLimits {
  if (isolation !== 'worker' && isolation !== 'process') {
    const message = `--isolation ${JSON.stringify(isolation.slice(0, 40))} is not known`
    throw runProblems.error('ERR_RUN_OPTION', message, {
      hint: 'write --isolation worker or --isolation process',
    })
  }
  return {
    memoryBytes: memory === undefined ? defaultMemoryBytes : read('--memory', memory, parseSize),
    deadlineMs: deadline === undefined ? deadlineMs : read('--deadline', deadline, parseDuration),
    isolation,
  }
}

function read(option: string, text: string, parse: (text: string) => number): number {
  try {
    const value = parse(text)
    if (value > 0) return value
    throw runProblems.error('ERR_RUN_OPTION', `${option} ${text} leaves nothing`, {
      hint: 'leave it out for no limit',
    })
  } catch (error) {
    if (!isSelvedgeError(error, 'ERR_UNIT')) throw error
    throw runProblems.error('ERR_RUN_OPTION', `${option} ${error.message}`, { hint: error.hint })
  }
}
