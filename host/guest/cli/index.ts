/** wasi:cli 0.2: arguments, environment, standard streams and the way out. */
import { GuestExit } from '../ends.ts'
import { dispose } from '../io/index.ts'
import type { PartContext, PartKind } from '../part.ts'
import { createStdio } from './stdio.ts'

export { createStdio, endLines, type Stdio } from './stdio.ts'

export const cliPart: PartKind = {
  name: 'wasi:cli',
  create({ line, io, hold, settings }: PartContext) {
    const stdio = createStdio(line, settings)
    const { args, env, terminal } = settings
    /** What a guest asks for to learn whether it talks to a person; it has no functions of its own. */
    const terminalOf = (kind: typeof TerminalInput, is: boolean): object | undefined =>
      is ? kind.create(hold()) : undefined
    return {
      imports: {
        'wasi:cli/environment': {
          getEnvironment: () => env,
          getArguments: () => args,
          initialCwd: () => undefined,
        },
        'wasi:cli/exit': {
          exit(status: { readonly tag: string }) {
            throw new GuestExit(status.tag === 'err' ? 1 : 0)
          },
          exitWithCode(code: number) {
            throw new GuestExit(code)
          },
        },
        'wasi:cli/stdin': { getStdin: () => io.inputStream(stdio.stdin()) },
        'wasi:cli/stdout': { getStdout: () => io.outputStream(stdio.stdout()) },
        'wasi:cli/stderr': { getStderr: () => io.outputStream(stdio.stderr()) },
        'wasi:cli/terminal-input': { TerminalInput },
        'wasi:cli/terminal-output': { TerminalOutput },
        'wasi:cli/terminal-stdin': { getTerminalStdin: () => terminalOf(TerminalInput, terminal.stdin) },
        'wasi:cli/terminal-stdout': { getTerminalStdout: () => terminalOf(TerminalOutput, terminal.stdout) },
        'wasi:cli/terminal-stderr': { getTerminalStderr: () => terminalOf(TerminalOutput, terminal.stderr) },
      },
    }
  },
}

class TerminalInput {
  #release: () => void = () => {}

  static create(release: () => void): TerminalInput {
    const made = new this()
    made.#release = release
    return made
  }

  [dispose](): void {
    this.#release()
  }
}

class TerminalOutput extends TerminalInput {}
