/** JSON Lines from a stream, one value at a time; empty lines only show that the other side lives. */
import type { IncomingMessage } from 'node:http'
import { systemClock, type Cancel } from '../../core/index.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'

/** A timer that is this late was held up. */
const lateMs = 1_000

/**
 * @throws ERR_API_TIMEOUT after a silence longer than any heartbeat; ERR_API_ANSWER for a line that is no JSON or
 * longer than a line may be. An abort ends it without an error.
 */
export async function* jsonLines<T>(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<T> {
  const giveUp = (): void => {
    const silence = `the stream was silent for ${apiLimits.silenceMs / 1000} s`
    response.destroy(apiProblems.error('ERR_API_TIMEOUT', silence))
  }
  // Only while it is waited for: whoever takes a line may take its time, as a pager does that nobody turns on.
  const listen = (): Cancel => {
    const dueMs = systemClock.monotonicMs() + apiLimits.silenceMs
    return systemClock.after(apiLimits.silenceMs, () => {
      // This process stood still, by Ctrl-Z for one: what has come meanwhile is read first.
      if (systemClock.monotonicMs() - dueMs >= lateMs) cancelSilence = listen()
      else giveUp()
    })
  }
  let cancelSilence = listen()
  response.setEncoding('utf8')
  let rest = ''
  try {
    for await (const chunk of response) {
      cancelSilence()
      const lines = (rest + String(chunk)).split('\n')
      rest = lines.pop() ?? ''
      if (rest.length > apiLimits.lineBytes)
        throw apiProblems.error('ERR_API_ANSWER', 'a line of the stream is too long')
      for (const line of lines) if (line !== '') yield parseLine<T>(line)
      cancelSilence = listen()
    }
  } catch (error) {
    if (signal.aborted) return
    // A daemon that stops closes the stream; whatever was complete has been given on.
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return
    throw error
  } finally {
    cancelSilence()
    response.destroy()
  }
}

function parseLine<T>(line: string): T {
  try {
    return JSON.parse(line) as T
  } catch (cause) {
    throw apiProblems.error('ERR_API_ANSWER', 'a line of the stream is not JSON', { cause })
  }
}
