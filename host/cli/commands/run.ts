import { join, resolve } from 'node:path'
import { defineCommand } from '../command.ts'
import { guestOptions } from '../guest-options.ts'
import { say } from '../print.ts'
import { renderError } from '../render-error.ts'
import { plain } from '../text.ts'
import { Interruption } from '../world.ts'

export const run = defineCommand({
  name: 'run',
  summary: 'run a component or preview1 module on this machine',
  details:
    'Its standard streams are those of this command, and so is its exit status. Clocks, random numbers and the ' +
    'standard streams are granted; all else only where an option grants it. Options precede the file; what ' +
    'follows it belongs to the program. Exit status: the program’s own; 134 after a trap, 124 at the deadline, ' +
    '130 after Ctrl-C, 2 for a wrong use of this command, 1 for a file that cannot run here.',
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
  },
  json: null,
  usesNode: false,
  examples: [
    { line: 'run hello.wasm', says: 'any command' },
    {
      line: 'run --dir . --env HOME tool.wasm --verbose in.txt',
      says: 'with files, and arguments of its own',
    },
    { line: 'run --sensor light=12lx --pin led app.wasm', says: 'with simulated devices' },
    { line: 'run --invoke add library.wasm 1 2', says: 'one function of a library' },
  ],
  async run(context) {
    const { world, options, args } = context
    const [file = '', ...rest] = args
    const { readGrants, readLimits, runCommand } = await import('../../run/index.ts')
    const end = await runCommand({
      file,
      path: resolve(world.cwd, file),
      args: rest,
      invoke: options.invoke ?? null,
      granted: readGrants(options, world.cwd, world.env),
      limits: readLimits(options, Infinity),
      cacheFolder: options['no-cache'] ? null : join(world.folders.cache, 'prepared'),
      streams: world.streams,
      signal: world.signal,
      tell: (line) => say(context, plain(line)),
    })
    if (end.kind === 'interrupted') {
      return world.signal.reason instanceof Interruption ? world.signal.reason.status : 130
    }
    if (end.kind === 'failed') world.stderr.write(renderError(end.error, world.stderr.colour))
    return end.status
  },
})
