import type { CallIntent, CallReport, FunctionReport, TypedArgument } from '../../api/index.ts'
import { usage } from '../arguments.ts'
import { traceText } from '../call-trace.ts'
import { defineCommand, type CommandContext } from '../command.ts'
import { printJson, say } from '../print.ts'
import { cliProblems } from '../problems.ts'
import { plain } from '../text.ts'
import { plainLines, SelvedgeError, type ProblemKind } from '../../../core/index.ts'

const schema = 'selvedge.call/1'
type Report<Kind extends CallReport['kind']> = Extract<CallReport, { kind: Kind }>

export const call = defineCommand({
  name: 'call',
  summary: 'call a function of an app, or send it a request, wherever it runs',
  details:
    'Without a function it lists those that the app exports, with their types; with --help APP it says what their WIT says of ' +
    'them, and a line to begin with. A function is named in full, as ' +
    'acme:thermo/api@1.0.0#to-fahrenheit, or as api.to-fahrenheit or to-fahrenheit where no other is meant. Arguments ' +
    'are values in WAVE, by the name of their parameter or in its place: celsius=21.5, 12, [1, 2], {value: 3, unit: ' +
    '"lx"}, some(3), none; text needs no quotation marks. One argument in parentheses holds all: (12, "lx"). The ' +
    'result is in WAVE too. An app that answers HTTP is asked with a method and a path, / where none is given. Exit status: 1 also where the ' +
    'function returned its own error, or the response is 400 or above.',
  arguments: [
    { name: 'APP', required: true, completes: 'app' },
    { name: 'FUNCTION|METHOD', required: false, completes: 'function' },
  ],
  more: 'ARGS…',
  options: {
    trace: { kind: 'flag', help: 'tell which node answered and why, how long it took, and what crossed' },
    node: { kind: 'text', value: 'NAME', help: 'ask only this node', completes: 'node' },
    deadline: { kind: 'text', value: 'TIME', help: 'wait so long at most, as 2s (default 30s)' },
    key: { kind: 'text', value: 'TEXT', help: 'calls with the same key go to the same node' },
    body: { kind: 'text', value: 'TEXT', help: 'send this with a request' },
  },
  json: schema,
  usesNode: true,
  examples: [
    { line: 'call thermo', says: 'what it exports' },
    { line: 'call --help thermo', says: 'what that does, takes and gives' },
    { line: 'call thermo to-fahrenheit celsius=21.5', says: 'by the name of the parameter' },
    { line: 'call thermo to-fahrenheit 21.5 --trace', says: 'and which node did it' },
    { line: 'call hello-http GET /', says: 'a request to an app that answers HTTP' },
  ],
  async helpAbout({ world, client, options, args, json }) {
    const [app = '', name] = args
    const node = typeof options['node'] === 'string' ? options['node'] : undefined
    const report = await client.call({ kind: 'list', app, node }, world.signal)
    if (report.kind === 'failed' && !json) throw thrown(report)
    if (report.kind !== 'list') {
      printJson({ world }, schema, report)
      return 1
    }
    const { callHelpText, exampleLine, wantedFunctions } = await import('../call-help.ts')
    const functions = wantedFunctions(app, report, name)
    if (json) {
      const told = functions.map((one) => ({ ...one, example: exampleLine(app, one) }))
      printJson({ world }, schema, { ...report, functions: told })
    } else {
      const http = report.http && name === undefined
      world.stdout.write(callHelpText(app, functions, { http }, world.stdout.width))
    }
    return 0
  },
  async run(context) {
    const { world, client, options, args, json } = context
    const intent = await intentOf(args, options, json)
    const report = await client.call(intent, world.signal)
    if (report.kind === 'list') return list(context, intent.app, report)
    if (report.kind === 'http') return respond(context, report)
    if (options.trace && !json)
      for (const line of traceText(report.trace, world.stderr.width)) say(context, line)
    if (report.kind === 'failed') {
      if (!json) throw thrown(report)
      printJson(context, schema, report)
      return 1
    }
    return tell(context, intent.app, report)
  },
})

function thrown({ error: { code, kind, message, hint } }: Report<'failed'>): Error {
  return new SelvedgeError(code, kind as ProblemKind, message, hint)
}

interface CallOptions {
  readonly node: string | undefined
  readonly deadline: string | undefined
  readonly key: string | undefined
  readonly body: string | undefined
}

/** @throws ERR_USAGE */
async function intentOf(
  [app = '', name, ...rest]: readonly string[],
  { node, deadline, key, body }: CallOptions,
  json: boolean,
): Promise<CallIntent> {
  const target = {
    app,
    node,
    key,
    deadlineMs: deadline === undefined ? undefined : await millisecondsOf(deadline),
  }
  if (name === undefined) return { kind: 'list', ...target }
  const isMethod = methods.has(name)
  const [given, ...others] = rest
  const path = isMethod ? (given ?? '/') : given
  if (isMethod && path?.startsWith('/') === false)
    throw usage({ name: 'call' }, `a path begins with a slash: ${name} /${path.slice(0, 80)}`)
  if (/^[A-Z]+$/.test(name) && path?.startsWith('/') === true) {
    if (others.length > 0) throw usage({ name: 'call' }, `there is one argument too many: ${others[0]}`)
    if (node !== undefined)
      throw usage({ name: 'call' }, '--node is for functions; a request goes to any node')
    const bytes = body === undefined ? {} : { body: Buffer.from(body).toString('base64') }
    return { kind: 'http', ...target, method: name, path, ...bytes }
  }
  if (body !== undefined) throw usage({ name: 'call' }, '--body is for requests: METHOD /PATH')
  const isWhole = rest.length === 1 && /^\s*\(/.test(given ?? '')
  const written = isWhole ? (given ?? '') : rest.map(argumentOf)
  return { kind: 'function', ...target, function: name, arguments: written, form: json ? 'json' : 'wave' }
}

/** RFC 9110, section 9.3, and PATCH. A function of such a name is called by its name in full. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])

/** `celsius=21.5`; what begins like a value has no name. */
function argumentOf(text: string): TypedArgument {
  const named = /^([a-z][a-zA-Z0-9-]*)=([^]*)$/.exec(text)
  return named === null ? { name: null, text } : { name: named[1] ?? '', text: named[2] ?? '' }
}

async function millisecondsOf(text: string): Promise<number> {
  const { parseDuration } = await import('../../manifest/index.ts')
  let ms: number
  try {
    ms = parseDuration(text)
  } catch {
    throw usage({ name: 'call' }, `--deadline ${text} is no time; write it as 500ms, 2s or 1min`)
  }
  if (ms < 1) throw usage({ name: 'call' }, `--deadline ${text} leaves no time at all; write 1ms or more`)
  return ms
}

function list(context: CommandContext, app: string, report: Report<'list'>): number {
  const { stdout, stderr } = context.world
  const { functions, http } = report
  if (context.json) printJson(context, schema, report)
  else {
    stdout.write(functions.map(functionText).join(''))
    if (http) stdout.write(`GET /  and other requests: selvedge call ${plain(app)} GET /\n`)
    if (functions.length === 0 && !http) stderr.write(`${plain(app)} exports nothing that can be called\n`)
  }
  return 0
}

/** `api.to-fahrenheit: func(celsius: f64) -> f64`, and under it the name in full. */
function functionText({ name, type, target }: FunctionReport): string {
  const full = target === name ? '' : `    ${plain(target)}\n`
  return `${plain(name)}: ${plain(type)}\n${full}`
}

function tell(context: CommandContext, app: string, report: Report<'function'>): number {
  const { isError, text, target } = report
  if (context.json) {
    const { text: _text, ...rest } = report
    printJson(context, schema, { ...rest, value: text === '' ? null : (JSON.parse(text) as unknown) })
  } else if (isError) {
    const shown = text === '' ? 'nothing more' : plain(text)
    throw cliProblems.error(
      'ERR_CALL_RETURNED',
      `${plain(target)} of ${plain(app)} returned an error: ${shown}`,
    )
  } else if (text !== '') context.world.stdout.write(`${plain(text)}\n`)
  return isError ? 1 : 0
}

async function respond(context: CommandContext, report: Report<'http'>): Promise<number> {
  const { status, headers } = report
  const { stdout, streams } = context.world
  if (context.json) printJson(context, schema, report)
  else {
    const lines = headers.map(([name, value]) => `${plain(name)}: ${plain(value)}`)
    say(context, [`HTTP ${status}`, ...lines, ''].join('\n'))
    const body = Buffer.from(report.body, 'base64')
    // A file or a pipe gets its bytes as they are; a terminal does what some of them say.
    if (stdout.isTTY) stdout.write(plainLines(body.toString('utf8').replaceAll('\r\n', '\n')))
    else await streams.stdout(body)
  }
  return status >= 400 ? 1 : 0
}
