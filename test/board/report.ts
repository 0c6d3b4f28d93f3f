/** `npm run board [--json] [--keep] [--shell]`: the account of a board's life, with times and a table; exit 1 where it fails. */
import { goalText } from '../foreign/index.ts'
import { boardStory, type BoardOutcome } from './story.ts'
import { ensureTools } from './tools.ts'

/** Of a run that fetches nothing. */
const goalSeconds = 180
const knownOptions = ['--json', '--keep', '--shell']

export async function main({ root, args }: { root: string; args: string[] }): Promise<void> {
  const unknown = args.find((arg) => !knownOptions.includes(arg))
  if (unknown !== undefined) {
    console.error(`error: there is no option ${unknown}`)
    console.error(
      'hint: --json for machines, --keep to keep card and logs, --shell for a shell on the board at the end',
    )
    process.exitCode = 2
    return
  }
  const json = args.includes('--json')
  const say = (text: string): void => (json ? console.error(text) : console.log(text))
  await ensureTools((text) => console.error(`  ${text}`))
  const outcome = await boardStory({
    root,
    say,
    isKept: args.includes('--keep'),
    hasShell: args.includes('--shell'),
  })
  if (json) console.log(JSON.stringify({ schema: 'selvedge.board/1', ...outcome }))
  else console.log(`\n${tableOf(outcome)}\n\n${verdictOf(outcome)}`)
  say(goalText(outcome.totalMs / 1_000, goalSeconds, outcome.hasFetched))
  if (!outcome.ok) process.exitCode = 1
}

function tableOf({ measures }: BoardOutcome): string {
  const rows = measures.map(({ what, value, unit, atMost }) => {
    const goal = atMost === undefined ? '' : `≤ ${atMost} ${unit}`
    const verdict = atMost === undefined ? '' : value <= atMost ? 'met' : '**missed**'
    return `| ${what} | ${Number(value.toPrecision(3))} ${unit} | ${goal} | ${verdict} |`
  })
  return ['| question | value | goal | |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

function verdictOf({ steps, measures, totalMs }: BoardOutcome): string {
  const took = `(${(totalMs / 1_000).toFixed(0)} s)`
  const failed = steps.find((step) => !step.ok)
  if (failed !== undefined) return `${failed.title}: failed ${took}`
  const missed = measures.filter(({ value, atMost = Infinity }) => value > atMost)
  if (missed.length === 0) return `all ${steps.length} hold ${took}`
  return `all ${steps.length} hold, and goals are missed: ${missed.map(({ what }) => what).join('; ')} ${took}`
}
