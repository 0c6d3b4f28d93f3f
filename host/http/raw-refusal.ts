/** Answers what the parser refused: there is no request yet, so the answer is written by hand. */
import type { Duplex } from 'node:stream'
import { httpProblems } from './problems.ts'

type Code = 'ERR_HTTP_REQUEST' | 'ERR_HTTP_HEAD_SIZE' | 'ERR_HTTP_REQUEST_TIMEOUT'

const refusals: Readonly<Record<string, readonly [status: string, code: Code]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'ERR_HTTP_HEAD_SIZE'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'ERR_HTTP_REQUEST_TIMEOUT'],
}
const malformed: readonly [string, Code] = ['400 Bad Request', 'ERR_HTTP_REQUEST']

/**
 * For the server's `clientError`.
 * @param isAnswering whether a response is half out, which nothing may follow
 * @returns what was answered; null where the connection was cut without a word
 */
export function refuseRaw(error: NodeJS.ErrnoException, socket: Duplex, isAnswering: boolean): Code | null {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering) {
    socket.destroy()
    return null
  }
  const [status, code] = refusals[error.code ?? ''] ?? malformed
  const body = `${JSON.stringify({ error: code, message: httpProblems.problems[code].text })}\n`
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  )
  // Half open is open: who does not close its side keeps the connection.
  socket.once('finish', () => socket.destroy())
  return code
}
