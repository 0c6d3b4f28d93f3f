/** Writes one response, an app's or an error's, and sees that its framing is right whatever the app says. */
import type { ServerResponse } from 'node:http'
import { isSelvedgeError } from '../../core/index.ts'
import { isFieldName, isFieldValue } from '../guest/http/index.ts'
import { isWhole, type FlatFields, type HttpResponse, type Ingress } from './contract.ts'
import { endToEnd } from './hop-by-hop.ts'
import { httpProblems } from './problems.ts'

/** Above it, turning bytes into characters costs more than a second piece. */
const onePieceBytes = 4_096

/**
 * @param closes whether the connection must not be used again
 * @param app told why its response could not be sent, or not to its end
 * @returns a promise only for a body that streams. @throws ERR_HTTP_RESPONSE before anything is sent; later the
 * connection is destroyed instead. However it ends, a body that streams is let go of: its instance waits for that.
 */
export function answer(
  res: ServerResponse,
  method: string,
  response: HttpResponse,
  closes: boolean,
  app: Pick<Ingress, 'unsendable'>,
): Promise<void> | undefined {
  try {
    return send(res, method, response, closes, app)
  } catch (error) {
    app.unsendable?.(error)
    letGo(response.body)
    throw error
  }
}

function letGo(body: HttpResponse['body']): void {
  if (!isWhole(body)) leave(body[Symbol.asyncIterator]())
}

function leave(pieces: AsyncIterator<Uint8Array>): void {
  void Promise.resolve(pieces.return?.()).catch(() => {})
}

function send(
  res: ServerResponse,
  method: string,
  response: HttpResponse,
  closes: boolean,
  app: Pick<Ingress, 'unsendable'>,
): Promise<void> | undefined {
  const { status, body } = response
  if (!Number.isInteger(status) || status < 200 || status > 599) throw invalid(`its status is ${status}`)
  const fields = endToEnd(response.headers)
  const declared = takeLength(fields)
  if (closes) fields.push('Connection', 'close')
  const hasBody = method !== 'HEAD' && status !== 204 && status !== 304
  if (isWhole(body)) {
    const size = body?.length ?? 0
    if (!hasBody) {
      // What a GET would have been answered with: a HEAD may say it, and so may 304.
      const shown = declared ?? (size > 0 ? size : null)
      if (status !== 204 && shown !== null) fields.push('Content-Length', String(shown))
      writeHead(res, status, fields)
      res.end()
      return undefined
    }
    if (declared !== null && declared !== size) throw invalid(`it declares ${declared} bytes and has ${size}`)
    const trailers = response.trailers()
    if (trailers === null) fields.push('Content-Length', String(size))
    writeHead(res, status, fields)
    if (trailers === null) endWith(res, body)
    else {
      res.addTrailers(pairs(trailers))
      res.end(body ?? undefined, 'latin1')
    }
    return undefined
  }
  if (declared !== null && status !== 204) fields.push('Content-Length', String(declared))
  writeHead(res, status, fields)
  if (hasBody) return stream(res, body, declared, response, app)
  // What a client will not get is not waited for.
  letGo(body)
  res.end()
  return undefined
}

/** Text and head leave in one piece, where bytes would follow it in another. */
function endWith(res: ServerResponse, body: Uint8Array | string | null): void {
  if (body === null) res.end()
  else if (typeof body === 'string') endWithText(res, body)
  else if (body.length > onePieceBytes) res.end(body)
  else endWithText(res, Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1'))
}

const renderedHead = '_header'

/**
 * node:http writes a body that `end` is given, and the end after it, as a list of pieces. Behind the head, where all of
 * it waits in one string, it is one write, which takes a twelfth less of the whole request. Where there is no such
 * string (it is node:http's own), the usual way is as right. Not for a body that leaves in chunks.
 */
function endWithText(res: ServerResponse, text: string): void {
  const waiting = res as { [renderedHead]?: unknown }
  if (typeof waiting[renderedHead] !== 'string') return void res.end(text, 'latin1')
  waiting[renderedHead] += text
  res.end()
}

/** @returns what the one content-length says, which is taken out of the fields */
function takeLength(fields: string[]): number | null {
  let length: string | null = null
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]!.length !== 14 || fields[at]!.toLowerCase() !== 'content-length') continue
    const value = fields[at + 1]!
    if (!/^\d{1,15}$/.test(value) || (length !== null && value !== length)) {
      throw invalid('its content-length is none')
    }
    length = value
    fields.splice(at, 2)
    at -= 2
  }
  return length === null ? null : Number(length)
}

function writeHead(res: ServerResponse, status: number, fields: string[]): void {
  for (let at = 0; at < fields.length; at += 2) {
    if (isFieldName(fields[at]!) && isFieldValue(fields[at + 1]!)) continue
    throw invalid(`its field ${JSON.stringify(fields[at]!.slice(0, 60))} is none`)
  }
  res.writeHead(status, fields)
}

async function stream(
  res: ServerResponse,
  body: AsyncIterable<Uint8Array>,
  declared: number | null,
  response: HttpResponse,
  app: Pick<Ingress, 'unsendable'>,
): Promise<void> {
  const pieces = body[Symbol.asyncIterator]()
  // Its `close` is over where the client left before the app had an answer.
  if (res.destroyed) return leave(pieces)
  // A body that waits for its guest must not keep the head from the client, nor a client that is gone waiting.
  const orGone = untilClosed(res)
  let size = 0
  try {
    res.flushHeaders()
    for (;;) {
      const next = await orGone(pieces.next())
      if (next === null) return
      if (next.done === true) break
      size += next.value.length
      if (declared !== null && size > declared)
        throw invalid(`its body is over the ${declared} bytes it declared`)
      if (!res.write(next.value)) await orGone(new Promise<void>((done) => res.once('drain', done)))
      if (res.destroyed) return
    }
    if (declared !== null && size < declared)
      throw invalid(`its body ended before the ${declared} bytes it declared`)
    const trailers = response.trailers()
    if (trailers !== null && declared === null) res.addTrailers(pairs(trailers))
    res.end()
  } catch (error) {
    app.unsendable?.(error)
    // The head is out: a body that breaks off is all that a client can still be told. What was written goes first.
    const { socket } = res
    setImmediate(() => (socket === null ? res.destroy() : socket.destroySoon()))
  } finally {
    leave(pieces)
  }
}

/**
 * Waits for one thing after the other, or for the client's leaving, which is null. No Promise.race with a promise
 * that lives as long as the response: that one would keep every result of every race, so the whole body.
 */
function untilClosed(res: ServerResponse): <Result>(wait: Promise<Result>) => Promise<Result | null> {
  let isClosed = false
  let left: (() => void) | null = null
  res.once('close', () => {
    isClosed = true
    left?.()
  })
  return (wait) =>
    new Promise((resolve, reject) => {
      left = () => resolve(null)
      if (isClosed) left()
      wait.then(resolve, reject)
    })
}

function pairs(flat: FlatFields): [string, string][] {
  const list: [string, string][] = []
  for (let at = 0; at < flat.length; at += 2) {
    if (isFieldName(flat[at]!) && isFieldValue(flat[at + 1]!)) list.push([flat[at]!, flat[at + 1]!])
  }
  return list
}

function invalid(why: string): Error {
  return httpProblems.error('ERR_HTTP_RESPONSE', `the response of the app cannot be sent: ${why}`)
}

/** By code; what is not here is the app's or the node's failure, 502. */
const statuses: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST: 400,
  ERR_HTTP_NO_APP: 404,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  ERR_HTTP_BODY_SIZE: 413,
  ERR_HTTP_HEAD_SIZE: 431,
  ERR_HTTP_NO_RESPONSE: 500,
  ERR_HTTP_APP: 500,
  ERR_HTTP_BUSY: 503,
  ERR_HTTP_APP_DOWN: 503,
  ERR_APP_BUSY: 503,
  ERR_APP_STOPPED: 503,
  ERR_APP_NOT_BEGUN: 503,
  ERR_APP_NEIGHBOUR: 503,
  ERR_APP_DEADLINE: 504,
  ERR_HTTP_LOOP: 508,
  ERR_CALL_SCOPE: 403,
  ERR_CALL_HEAD_SIZE: 431,
  ERR_CALL_NOWHERE: 503,
  ERR_CALL_NOT_HERE: 503,
  ERR_CALL_UNREACHABLE: 503,
  ERR_CALL_BUSY: 503,
  ERR_CALL_STOPPED: 503,
  ERR_CALL_DEADLINE: 504,
}

export interface ProblemAnswer {
  readonly code: string
  readonly status: number
  readonly headers: string[]
  readonly body: Buffer
}

/** An error as a client may see it: its code and what that means in general; never what went on inside. */
export function problemAnswer(error: unknown, textOf: (code: string) => string): ProblemAnswer {
  const code = isSelvedgeError(error) ? error.code : 'ERR_APP_HOST_FAULT'
  const status = statuses[code] ?? 502
  const body = Buffer.from(`${JSON.stringify({ error: code, message: textOf(code) })}\n`)
  const headers = ['Content-Type', 'application/json', 'Content-Length', String(body.length)]
  if (status === 503) headers.push('Retry-After', '1')
  return { code, status, headers, body }
}
