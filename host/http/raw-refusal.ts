/** Answers what the parser refused: there is no request yet, so the answer is written by hand. */
import type { Duplex } from 'node:stream'
import type { Clock } from '../../core/index.ts'
import { httpProblems } from './problems.ts'

type Code = 'ERR_HTTP_REQUEST' | 'ERR_HTTP_HEAD_SIZE' | 'ERR_HTTP_REQUEST_TIMEOUT' | 'ERR_HTTP_TUNNEL'

const refusals: Readonly<Record<string, readonly [status: string, code: Code]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'ERR_HTTP_HEAD_SIZE'],
  // A method that an origin server need not have: RFC 9110, 9.1 and 9.3.6.
  ERR_HTTP_TUNNEL: ['501 Not Implemented', 'ERR_HTTP_TUNNEL'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'ERR_HTTP_REQUEST_TIMEOUT'],
}
/** For an answer to arrive, while what the client still sends is thrown away, ms. */
const lingerMs = 500

const malformed: readonly [string, Code] = ['400 Bad Request', 'ERR_HTTP_REQUEST']

/** For CONNECT, which node:http reads as the beginning of a tunnel: what follows it is no HTTP. */
export function noTunnel(): NodeJS.ErrnoException {
  return httpProblems.error('ERR_HTTP_TUNNEL', 'this server is no proxy')
}

/**
 * For the server's `clientError`.
 * @param isAnswering whether a response is half out, which nothing may follow
 * @returns what was answered; null where the connection was cut without a word
 */
export function refuseRaw(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  isAnswering: boolean,
  clock: Clock,
): Code | null {
  silence(socket)
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
  // Cut off at once, with something unread, the client's system would throw away what it has of the answer; and who
  // does not close its side keeps the connection (RFC 9112, 9.6).
  socket.once(
    'close',
    clock.after(lingerMs, () => socket.destroy()),
  )
  return code
}

/** Takes the connection from the parser: it would find the next fault in what still comes, and in its end. */
function silence(socket: Duplex): void {
  for (const event of ['data', 'end']) socket.removeAllListeners(event)
  socket.on('data', ignore)
  socket.on('error', ignore)
}

const ignore = (): void => {}
