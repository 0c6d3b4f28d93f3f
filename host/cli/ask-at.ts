/** Asking a person at a terminal: one line, shown while it is typed or not. */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'

/**
 * @returns null where one of the two is no terminal, and where the input ended
 * @throws the signal's reason
 */
export async function askAt(
  input: NodeJS.ReadStream,
  output: NodeJS.WriteStream,
  question: string,
  hidden: boolean,
  signal: AbortSignal,
): Promise<string | null> {
  if (input.isTTY !== true || output.isTTY !== true) return null
  output.write(question)
  // What readline would echo goes nowhere; the terminal itself is in raw mode and shows nothing either.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: hidden ? nowhere : output, terminal: true })
  try {
    return await new Promise<string | null>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      lines.once('line', (line) => resolve(line))
      lines.once('close', () => resolve(null))
      // Ctrl-C does not reach the process while readline has the terminal.
      lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    })
  } finally {
    lines.close()
    input.pause()
    if (hidden) output.write('\n')
  }
}
