import type { LogGap, LogLine } from '../../api/index.ts'
import { defineCommand } from '../command.ts'
import { paintFor } from '../paint.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { plain } from '../text.ts'
import { usage } from '../arguments.ts'

const schema = 'selvedge.log/1'
const defaultTail = '50'
const largestTail = 1_000

export const logs = defineCommand({
  name: 'logs',
  summary: 'show what an app says on this node',
  arguments: [{ name: 'APP', required: true }],
  options: {
    follow: { kind: 'flag', short: 'f', help: 'go on with new lines, until Ctrl-C' },
    tail: {
      kind: 'text',
      short: 'n',
      value: 'N',
      help: `only the newest N lines (default ${defaultTail}, at most ${largestTail})`,
    },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'logs light-alarm', says: 'the newest lines' },
    { line: 'logs light-alarm -f --tail 0', says: 'only what comes from now on' },
    { line: 'logs light-alarm -f --json', says: 'JSON Lines, one object per line' },
  ],
  async run(context) {
    const { world, client, options, args, json } = context
    const [app = ''] = args
    const tail = countOf(options.tail ?? defaultTail)
    const print = (line: LogLine | LogGap): void => {
      if (json) printJson(context, schema, line)
      else if ('missed' in line)
        world.stderr.write(`— ${line.missed} lines were lost: the node writes faster than this reads —\n`)
      else world.stdout.write(renderLogLine(line, world.stdout.colour))
    }
    if (options.follow) {
      for await (const line of client.followLogs({ app, tail }, world.signal)) print(line)
      if (!world.signal.aborted) world.stderr.write('the node has stopped\n')
      return 0
    }
    const lines = await client.logs({ app, tail })
    if (lines.length === 0 && (await client.releases(app)).length === 0) {
      throw cliProblems.error('ERR_UNKNOWN_APP', `this node knows no release of ${app}`)
    }
    for (const line of lines) print(line)
    if (lines.length === 0 && !json) world.stderr.write(`${app} has said nothing on this node yet\n`)
    return 0
  },
})

/** `12:03:07.120 info  2.0.0 [context] message`, times in UTC. */
function renderLogLine(line: LogLine, colour: boolean): string {
  const paint = paintFor(colour)
  const time = new Date(line.time).toISOString().slice(11, 23)
  const tones = { debug: paint.dim, info: paint.cyan, warn: paint.yellow, error: paint.red }
  const context = line.context === '' ? '' : `[${plain(line.context)}] `
  return `${paint.dim(time)} ${tones[line.level](line.level.padEnd(5))} ${plain(line.version)} ${context}${plain(line.message)}\n`
}

function countOf(text: string): number {
  const count = Number(text)
  if (/^\d{1,6}$/.test(text) && count <= largestTail) return count
  throw usage({ name: 'logs' }, `--tail ${text} is no number from 0 to ${largestTail}`)
}
