/**
 * A request and its answer as they cross: one flat list each, with the fields at its end. Names of properties and
 * nested records cost more to clone than what they hold, and a few bytes cost more than as many characters.
 */
import { bytesOf } from './field-list.ts'
import type { IncomingAnswer, IncomingCall } from './wire.ts'

/** The arguments of an invocation: method, path, scheme, authority, body (true where it streams), and the fields. */
export function packCall({ method, path, scheme, authority, headers, body }: IncomingCall): unknown[] {
  return [method, path, scheme, authority, body === 'streamed' ? true : body, ...headers]
}

const callFieldsAt = 5

export function unpackCall(args: readonly unknown[]): IncomingCall {
  const body = args[4] as Uint8Array | null | true
  return {
    method: args[0] as string,
    path: args[1] as string,
    scheme: args[2] as 'http' | 'https',
    authority: args[3] as string | undefined,
    body: body === true ? 'streamed' : body,
    headers: args.slice(callFieldsAt) as string[],
  }
}

type Unpacked = Exclude<IncomingAnswer, { t: 'response' | 'text' }>

/** An answer that is whole: status, body (bytes, or characters that stand for one each), trailers, and the fields. */
export type PackedAnswer = readonly unknown[] | Unpacked

export function packAnswer(answer: IncomingAnswer): PackedAnswer {
  if (answer.t !== 'text' && (answer.t !== 'response' || answer.body === 'streamed'))
    return answer as PackedAnswer
  const { status, headers, body, trailers } = answer
  const packed: unknown[] = [status, body, trailers]
  for (const text of headers) packed.push(text)
  return packed
}

/** An answer that is whole, on the node's side; a body of characters stays one, as that is how it is sent. */
export interface UnpackedAnswer {
  readonly t: 'response'
  readonly status: number
  readonly headers: readonly string[]
  readonly body: Uint8Array | string | null
  readonly trailers: readonly string[] | null
}

const answerFieldsAt = 3

/** What `packAnswer` made, or what a process that was taken over says in its place. @throws where it is neither */
export function unpackAnswer(packed: unknown): UnpackedAnswer | Unpacked {
  if (!Array.isArray(packed)) return packed as Unpacked
  const [status, body, trailers] = packed as unknown[]
  const headers = (packed as unknown[]).slice(answerFieldsAt)
  if (!isBody(body) || !areFields(headers) || (trailers !== null && !areFields(trailers)))
    throw new TypeError('an answer of no known form')
  return { t: 'response', status: status as number, headers, body, trailers }
}

function isBody(body: unknown): body is UnpackedAnswer['body'] {
  return body === null || typeof body === 'string' || body instanceof Uint8Array
}

function areFields(fields: unknown): fields is string[] {
  if (!Array.isArray(fields) || fields.length % 2 !== 0) return false
  for (const text of fields as unknown[]) if (typeof text !== 'string') return false
  return true
}

/** For those who want bytes. */
export function bodyBytes(body: Uint8Array | string | null): Uint8Array | null {
  return typeof body === 'string' ? bytesOf(body) : body
}
