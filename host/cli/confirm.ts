/** Asking before something is signed: on a terminal, unless told otherwise; elsewhere only with --yes. */
import type { OptionSpec } from './command.ts'
import { cliProblems } from './problems.ts'
import type { World } from './world.ts'

/** The options of every command that signs. */
export const confirmOptions = {
  yes: { kind: 'flag', short: 'y', help: 'do not ask before signing' },
  'no-input': { kind: 'flag', help: 'never ask for anything; fail where an answer is needed' },
} as const satisfies Readonly<Record<string, OptionSpec>>

export interface Confirming {
  readonly yes: boolean
  readonly 'no-input': boolean
}

/** @throws ERR_NOT_CONFIRMED where the answer is no, and where there is nobody to give one */
export async function confirm(world: World, options: Confirming, question: string): Promise<void> {
  if (options.yes) return
  const answer = options['no-input'] ? null : await world.ask(`${question} [y/N] `)
  if (answer !== null && /^(y|yes)$/i.test(answer.trim())) return
  throw cliProblems.error(
    'ERR_NOT_CONFIRMED',
    answer === null ? 'nobody was there to say yes, so nothing was signed' : 'nothing was signed',
    answer === null ? {} : { hint: 'run the command again when it should be signed' },
  )
}
