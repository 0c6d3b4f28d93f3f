import { join, resolve } from 'node:path'
import { usage } from '../arguments.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { guestOptions } from '../guest-options.ts'
import { printJson, say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { renderError } from '../render-error.ts'
import { plain } from '../text.ts'
import { statusOfInterruption } from '../world.ts'
import type { CommandEnd, SaidMessage, TopicRun } from '../../run/index.ts'

const schema = 'selvedge.run/1'

export const run = defineCommand({
  name: 'run',
  summary: 'run a component or preview1 module on this machine',
  details:
    'Its standard streams are those of this command, and so is its exit status. Clocks, random numbers and the ' +
    'standard streams are granted; all else only where an option grants it. Options precede the file; what ' +
    'follows it belongs to the program. Exit status: the program’s own; 134 after a trap, 124 at the deadline, ' +
    '130 after Ctrl-C, 2 for a wrong use of this command, 1 for a file that cannot run here. With --topic it is no ' +
    'command that is started: the message handler of an app gets one message, with ARG as its body, and what it sends and ' +
    'replies is printed, each with its topic; nobody else hears it. Its status is 1 where it refused the message.',
  arguments: [{ name: 'FILE.wasm', required: true, completes: 'file' }],
  rest: '[ARGS…]',
  options: {
    ...guestOptions,
    deadline: { kind: 'text', value: 'TIME', help: 'end it after so long, as 30s (default: never)' },
    invoke: {
      kind: 'text',
      value: 'NAME',
      help: 'call this function, with ARGS as JSON, and print its result',
    },
    topic: { kind: 'text', value: 'TOPIC', help: 'hand it a message of this topic, with ARG as its body' },
    key: { kind: 'text', value: 'TEXT', help: 'the key of that message' },
    type: { kind: 'text', value: 'TYPE', help: 'what its body is, as application/json' },
  },
  json: schema,
  usesNode: false,
  examples: [
    { line: 'run hello.wasm', says: 'any command' },
    {
      line: 'run --dir . --env HOME tool.wasm --verbose in.txt',
      says: 'with files, and arguments of its own',
    },
    { line: 'run --sensor light=12lx --pin led app.wasm', says: 'with simulated devices' },
    { line: 'run --invoke add library.wasm 1 2', says: 'one function of a library' },
    { line: 'run --topic shop/door --publish shop/echo app.wasm open', says: 'one message of a topic' },
  ],
  async run(context) {
    const { world, options, args } = context
    const [file = '', ...rest] = args
    const { readGrants, readLimits, runCommand, runTopic } = await import('../../run/index.ts')
    const { topic, invoke = null } = options
    requireFitting(context, invoke, topic, rest)
    const request = {
      file,
      path: resolve(world.cwd, file),
      granted: readGrants(options, world.cwd, world.env),
      limits: readLimits(options, Infinity),
      cacheFolder: options['no-cache'] ? null : join(world.folders.cache, 'prepared'),
      signal: world.signal,
      tell: (line: string) => say(context, plain(line)),
    }
    if (topic === undefined)
      return statusOf(context, await runCommand({ ...request, args: rest, invoke, streams: world.streams }))
    const message = {
      topic,
      body: Buffer.from(rest[0] ?? ''),
      key: options.key ?? null,
      contentType: options.type ?? null,
    }
    return tellTopic(context, topic, await runTopic({ ...request, message }))
  },
})

/** @throws ERR_USAGE for options that say nothing together */
function requireFitting(
  { json, options }: CommandContext,
  invoke: string | null,
  topic: string | undefined,
  rest: readonly string[],
): void {
  if (topic !== undefined) {
    if (invoke !== null) throw usage(run, '--topic and --invoke are two things to do; give one of them')
    if (rest.length > 1)
      throw usage(run, `a message has one body: there is one argument too many: ${rest[1]}`)
    return
  }
  const alone = json ? '--json' : ['key', 'type'].find((name) => options[name] !== undefined)
  if (alone !== undefined) throw usage(run, `--${alone.replace(/^--/, '')} is for --topic`)
}

function statusOf({ world }: CommandContext, end: CommandEnd): number {
  if (end.kind === 'interrupted') return statusOfInterruption(world)
  if (end.kind === 'failed') world.stderr.write(renderError(end.error, world.stderr.colour))
  return end.status
}

function tellTopic(context: CommandContext, topic: string, { end, refused, said, tookMs }: TopicRun): number {
  const { world, json } = context
  if (json) {
    const isFailed = end.kind === 'failed'
    printJson(context, schema, {
      topic,
      outcome: refused === undefined ? (end.kind === 'exited' ? 'handled' : end.kind) : 'refused',
      ...(refused !== undefined && { refused }),
      ...(isFailed && { error: { code: end.error.code, message: end.error.message, hint: end.error.hint } }),
      sent: said.map(({ body, ...rest }) => ({ ...rest, body: Buffer.from(body).toString('base64') })),
      tookMs: Math.round(tookMs),
    })
    return isFailed ? end.status : statusOf(context, end)
  }
  for (const one of said) world.stdout.write(`${saidText(one)}\n`)
  if (refused === undefined) return statusOf(context, end)
  throw cliProblems.error('ERR_CALL_RETURNED', `it refused the message: ${plain(JSON.stringify(refused))}`, {
    hint: 'what it means is the app’s to say; topics that it sends to are granted with --publish',
  })
}

function saidText({ topic, body }: SaidMessage): string {
  const text = Buffer.from(body).toString('utf8')
  const shown = Buffer.from(text).equals(body) ? plain(text) : `${body.length} bytes`
  return `${topic === null ? 'reply' : topic}: ${shown}`
}
