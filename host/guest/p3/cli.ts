/** wasi:cli 0.3: arguments, environment, exit, and the standard streams as streams of the component model. */
import { StreamFailure, type ByteSink } from '../bytes.ts'
import { drain, okay, streamFrom, type GuestStream, type WitResult } from './streams.ts'
import type { P3Imports, P3World } from './world.ts'

/** `wasi:cli/types.error-code` */
type CliErrorCode = 'io' | 'illegal-byte-sequence' | 'pipe'

/** There are terminals, and nothing that can be asked of them. */
class TerminalInput {
  readonly kind = 'input'
}
class TerminalOutput {
  readonly kind = 'output'
}

export function createCli(world: P3World): P3Imports {
  const { settings, exit } = world
  return {
    'wasi:cli/environment@0.3': {
      getEnvironment: () => settings.env.map(([name, value]) => [name, value]),
      getArguments: () => [...settings.args],
      getInitialCwd: () => undefined,
    },
    'wasi:cli/exit@0.3': {
      exit: ({ tag }: WitResult<undefined, undefined>) => exit(tag === 'ok' ? 0 : 1),
      exitWithCode: (code: number) => exit(code),
    },
    'wasi:cli/stdin@0.3': {
      readViaStream: () => streamFrom(world.stdin(), world.waiting, codeOf),
    },
    'wasi:cli/stdout@0.3': {
      writeViaStream: (data: GuestStream) => writeAll(data, world.stdout(), world),
    },
    'wasi:cli/stderr@0.3': {
      writeViaStream: (data: GuestStream) => writeAll(data, world.stderr(), world),
    },
    'wasi:cli/terminal-input@0.3': { TerminalInput },
    'wasi:cli/terminal-output@0.3': { TerminalOutput },
    'wasi:cli/terminal-stdin@0.3': {
      getTerminalStdin: () => (settings.terminal.stdin ? new TerminalInput() : undefined),
    },
    'wasi:cli/terminal-stdout@0.3': {
      getTerminalStdout: () => (settings.terminal.stdout ? new TerminalOutput() : undefined),
    },
    'wasi:cli/terminal-stderr@0.3': {
      getTerminalStderr: () => (settings.terminal.stderr ? new TerminalOutput() : undefined),
    },
  }
}

async function writeAll(
  data: GuestStream,
  sink: ByteSink,
  { waiting }: P3World,
): Promise<WitResult<undefined, CliErrorCode>> {
  try {
    await drain(data, sink, waiting)
    return okay
  } catch (error) {
    if (!(error instanceof StreamFailure)) throw error
    return { tag: 'err', val: codeOf(error) }
  }
}

function codeOf({ code }: StreamFailure): CliErrorCode {
  return code === 'pipe' || code === 'illegal-byte-sequence' ? code : 'io'
}
