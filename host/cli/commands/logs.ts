import { isSelvedgeError, logLevels, type LogLevel } from '../../../core/index.ts'
import { apiLimits, type ControlClient, type LogIntent } from '../../api/index.ts'
import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { memberCalled } from '../known-member.ts'
import { printJson } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { LogRenderer } from '../render-logs.ts'
import { plain } from '../text.ts'

const schema = 'selvedge.log/1'
const defaultTail = 50

export const logs = defineCommand({
  name: 'logs',
  summary: 'show what an app says, on all nodes that run it',
  details:
    'Each node keeps what its apps say on its own disk, and is asked for it; nothing is stored elsewhere. A node that is ' +
    'not reached is named, and read from where it was left when it is reached again. A time with ~ was written by a clock ' +
    'that differs from this node’s, and is corrected by that.',
  arguments: [{ name: 'APP', required: true, completes: 'app' }],
  options: {
    follow: { kind: 'flag', short: 'f', help: 'go on with new lines, until Ctrl-C' },
    tail: {
      kind: 'text',
      short: 'n',
      value: 'N',
      help: `only the newest N lines of each node (default ${defaultTail}, at most ${apiLimits.logLines}; all of them with --since)`,
    },
    since: { kind: 'text', value: 'TIME', help: 'only what is not older: 10m, 2h, 1d' },
    grep: { kind: 'text', value: 'TEXT', help: 'only lines that contain TEXT, in upper or lower case' },
    level: {
      kind: 'text',
      value: 'LEVEL',
      help: `only this level and those above: ${logLevels.join(', ')}`,
      completes: logLevels,
    },
    node: { kind: 'text', value: 'NODE', help: 'only of this node, by name or id', completes: 'node' },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'logs light-alarm', says: 'the newest lines of each node that runs it' },
    { line: 'logs light-alarm -f --tail 0', says: 'only what comes from now on' },
    { line: 'logs light-alarm --since 10m --level warn', says: 'what went wrong lately' },
    { line: 'logs light-alarm -f --json', says: 'JSON Lines, one object per line' },
  ],
  async run(context) {
    const { world, client, options, args, json } = context
    const [app = ''] = args
    const intent = await intentOf(app, options, client)
    const renderer = new LogRenderer({ colour: world.stdout.colour, isOneNode: options.node !== undefined })
    let said = 0
    for await (const event of client.appLogs(intent, world.signal)) {
      if (!('notice' in event)) said += 1
      if (json) printJson(context, schema, event)
      else if (!('notice' in event)) world.stdout.write(renderer.line(event))
      else {
        // In UTC, as the lines around it.
        const view = { now: world.clock.now(), utcOffset: 0 }
        world.stderr.write(renderer.notice(event, intent.follow, view))
      }
    }
    if (intent.follow) {
      if (!world.signal.aborted) world.stderr.write('the node has stopped\n')
      return 0
    }
    if (said > 0) return 0
    if ((await client.releases(app)).length === 0)
      throw cliProblems.error('ERR_UNKNOWN_APP', `this node knows no release of ${plain(app.slice(0, 80))}`)
    if (!json) world.stderr.write(`${nothing(app, intent)}\n`)
    return 0
  },
})

interface LogOptions {
  readonly follow: boolean
  readonly tail: string | undefined
  readonly since: string | undefined
  readonly grep: string | undefined
  readonly level: string | undefined
  readonly node: string | undefined
}

/** @throws ERR_USAGE, ERR_UNKNOWN_NODE */
async function intentOf(app: string, options: LogOptions, client: ControlClient): Promise<LogIntent> {
  const { follow, tail, since, grep, level, node } = options
  if (grep !== undefined && grep.length > apiLimits.logTextChars)
    throw usage(logs, `--grep has more than ${apiLimits.logTextChars} characters`)
  return {
    app,
    follow,
    ...((tail !== undefined || since === undefined) && { tail: countOf(tail ?? String(defaultTail)) }),
    ...(since !== undefined && { sinceMs: await ageOf(since) }),
    ...(grep !== undefined && { text: grep }),
    ...(level !== undefined && { level: levelOf(level) }),
    ...(node !== undefined && { node: (await memberCalled(client, node)).id }),
  }
}

function countOf(text: string): number {
  const count = Number(text)
  if (/^\d{1,6}$/.test(text) && count <= apiLimits.logLines) return count
  throw usage(logs, `--tail ${plain(text.slice(0, 40))} is no number from 0 to ${apiLimits.logLines}`)
}

/** `10m` is what people write for minutes, `min` what our files say. */
async function ageOf(text: string): Promise<number> {
  const { parseDuration } = await import('../../toml/index.ts')
  try {
    const ms = parseDuration(text.replace(/(\d\s*)m$/, '$1min'))
    if (ms <= apiLimits.logSinceMs) return ms
  } catch (error) {
    if (!isSelvedgeError(error, 'ERR_UNIT')) throw error
  }
  throw usage(
    logs,
    `--since ${plain(text.slice(0, 40))} is no time up to a year, written as 30s, 10m, 2h or 1d`,
  )
}

function levelOf(text: string): LogLevel {
  const level = logLevels.find((each) => each === text)
  if (level !== undefined) return level
  throw usage(logs, `--level ${plain(text.slice(0, 40))} is none of ${logLevels.join(', ')}`)
}

function nothing(app: string, { sinceMs, text, level, node }: LogIntent): string {
  const isPart = sinceMs !== undefined || text !== undefined || level !== undefined
  const where = node === undefined ? 'on the nodes that run it' : 'on that node'
  return isPart ? `${app} has said nothing like that ${where}` : `${app} has said nothing ${where} yet`
}
