import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { guestOptions } from '../guest-options.ts'
import { printJson, say } from '../print.ts'
import { plain } from '../text.ts'

/** A person tries something out; a machine's worth of instances would only take its memory. */
const mostInstances = 8
const deadlineMs = 30_000

export const serve = defineCommand({
  name: 'serve',
  summary: 'serve HTTP with a component on this machine, until Ctrl-C',
  details:
    'The component exports wasi:http/incoming-handler, wasi:http/handler (0.3) or selvedge:edge/http-handler, and answers every path. ' +
    'When it listens, one line on stdout says where, with the port that was chosen; with --json as an object. What it ' +
    'prints and what it fails of goes to stderr. It may touch what the options grant, as with run.',
  arguments: [{ name: 'FILE.wasm', required: true, completes: 'file' }],
  options: {
    addr: {
      kind: 'text',
      value: 'HOST:PORT',
      help: 'where to listen (default: 127.0.0.1:8080); port 0 is any free one',
    },
    listen: { kind: 'text', value: 'HOST:PORT', help: 'the same as --addr' },
    instances: { kind: 'text', value: 'N', help: 'most instances at once (default: one per core, up to 8)' },
    ...guestOptions,
    deadline: { kind: 'text', value: 'TIME', help: 'for one request (default: 30s)' },
  },
  json: 'selvedge.serve/1',
  usesNode: false,
  endsItself: true,
  examples: [
    { line: 'serve hello.wasm', says: 'at http://127.0.0.1:8080/' },
    { line: 'serve --listen 127.0.0.1:0 --json hello.wasm', says: 'for a script, which reads the url' },
    { line: 'serve --addr 0.0.0.0:80 --dir-ro ./public::/public site.wasm', says: 'with files to read' },
  ],
  async run(context) {
    const { world, options, args, json } = context
    const file = args[0] ?? ''
    const instances = Number(options.instances ?? Math.min(mostInstances, coreCount()))
    if (!Number.isInteger(instances) || instances < 1 || instances > 256) {
      throw usage({ name: 'serve' }, `--instances ${options.instances ?? ''} is no number from 1 to 256`)
    }
    if (options.addr !== undefined && options.listen !== undefined)
      throw usage({ name: 'serve' }, '--addr and --listen are one option; give one of them')
    const [{ readGrants, readLimits, serveApp }, problems] = await Promise.all([
      import('../../run/index.ts'),
      world.problems(),
    ])
    const texts = new Map(problems.map(({ code, text }) => [code, text]))
    const served = await serveApp({
      file,
      path: resolve(world.cwd, file),
      address: options.addr ?? options.listen ?? '127.0.0.1:8080',
      instances,
      granted: readGrants(options, world.cwd, world.env),
      limits: readLimits(options, deadlineMs),
      cacheFolder: options['no-cache'] ? null : join(world.folders.cache, 'prepared'),
      tell: (line) => say(context, plain(line)),
      textOf: (code) => texts.get(code) ?? '',
    })
    if (json) printJson(context, 'selvedge.serve/1', { url: served.url })
    else world.stdout.write(`serving ${plain(file)} at ${served.url}\n`)
    await untilEnd(served, world.signal)
    return 0
  },
})

async function untilEnd(
  served: { readonly stopped: Promise<void>; stop(): Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const aborted = new Promise<void>((done) => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
  await Promise.race([served.stopped, aborted])
  await served.stop()
}

function coreCount(): number {
  return availableParallelism()
}
