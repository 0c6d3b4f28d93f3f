/**
 * Addresses for the WebAssembly of the program itself, the ciphers of its network to begin with: made to last where they are
 * scarce. Where V8 would have ten gigabytes of them for each memory, and there are not so many, the program is started once
 * more without that.
 */
import { spawn } from 'node:child_process'
import { capMemories } from '../core/index.ts'
import { addressFlags, memoriesThatFit } from './engine/index.ts'

/** How a second start knows that it is one. */
const mark = 'SELVEDGE_ADDRESSES'

/**
 * @param capBytes what a memory of this process may grow to
 * @param signal passed on to the process that is started
 * @returns the exit code of that process, once it has ended; null where this one is to go on
 */
export async function startedAgain(capBytes: number, signal: AbortSignal): Promise<number | null> {
  capMemories(capBytes)
  const flags = addressFlags()
  if (flags.length === 0 || process.env[mark] !== undefined || memoriesThatFit() === Infinity) return null
  return run([...process.execArgv, ...flags, ...process.argv.slice(1)], signal)
}

/**
 * Its end is this one's. It is told to end by the channel between them, which closes too should this one be ended first: a
 * signal might be its second, where Ctrl-C or a supervisor has sent one to both, and would mean at once.
 */
function run(args: readonly string[], signal: AbortSignal): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      env: { ...process.env, [mark]: '1' },
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    })
    const pass = (): void => {
      if (child.connected) child.disconnect()
    }
    if (signal.aborted) pass()
    else signal.addEventListener('abort', pass, { once: true })
    // Told twice, this one ends at once.
    process.once('exit', () => child.kill('SIGKILL'))
    // Much needs no WebAssembly, and is done here as well.
    child.once('error', () => resolve(null))
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
