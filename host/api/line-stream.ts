/** An answer of JSON lines that come as they come, at the pace of the client that reads them. */
import type { ServerResponse } from 'node:http'
import { every, type Cancel, type Clock } from '../../core/index.ts'
import { apiLimits } from './limits.ts'

export interface LineStream {
  /** Resolves when the client has room for the next. @throws where it went away */
  write(value: object): Promise<void>
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal
  /** Sends the head of the answer, and empty lines while there is no news. What fails before it is answered as an error. */
  begin(): void
}

/** @param ending aborts when the server stops @throws what `run` throws */
export async function streamLines(
  response: ServerResponse,
  clock: Clock,
  ending: AbortSignal,
  run: (stream: LineStream) => Promise<void>,
): Promise<void> {
  const over = new AbortController()
  const end = (): void => over.abort()
  response.once('close', end)
  ending.addEventListener('abort', end, { once: true })
  const cancels: Cancel[] = []
  try {
    await run({
      write: (value) => written(response, `${JSON.stringify(value)}\n`, over.signal),
      signal: over.signal,
      begin() {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        response.flushHeaders()
        const beat = (): void => {
          // Who has lines waiting to be read sees that the stream lives.
          if (!response.writableNeedDrain) response.write('\n')
        }
        cancels.push(every(clock, apiLimits.heartbeatMs, beat))
      },
    })
  } catch (error) {
    // What it comes to for a client that is gone is of no interest to anybody.
    if (!over.signal.aborted) throw error
  } finally {
    for (const cancel of cancels) cancel()
    end()
    ending.removeEventListener('abort', end)
    response.off('close', end)
  }
  response.end()
}

/** @throws where the client went away before it took the line */
async function written(response: ServerResponse, line: string, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw gone()
  if (response.write(line)) return
  await new Promise<void>((resolve, reject) => {
    const drained = (): void => {
      signal.removeEventListener('abort', ended)
      resolve()
    }
    const ended = (): void => {
      response.off('drain', drained)
      reject(gone())
    }
    response.once('drain', drained)
    signal.addEventListener('abort', ended, { once: true })
  })
}

function gone(): Error {
  return new Error('who listened went away')
}
