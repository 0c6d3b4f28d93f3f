/** Frames of the call protocol: one byte that says what, then CBOR, bytes as they are, or a number. */
import {
  decodeCbor,
  encodeCbor,
  isSelvedgeError,
  messageOf,
  plainText,
  SelvedgeError,
} from '../../core/index.ts'
import { callLimits } from './contract.ts'
import { callsProblems } from './problems.ts'

/** `streamed`: it follows in frames of its own. */
export type PackedBody = Uint8Array | 'streamed' | null

export type CallMessage =
  | {
      readonly t: 'ask'
      readonly deadlineMs: number
      readonly hops: number
      readonly head: Uint8Array
      readonly body: PackedBody
    }
  | { readonly t: 'answer'; readonly head: Uint8Array; readonly body: PackedBody }
  /** Not begun. */
  | { readonly t: 'refused'; readonly error: SelvedgeError }
  | { readonly t: 'failed'; readonly error: SelvedgeError }
  | { readonly t: 'data'; readonly bytes: Uint8Array }
  | { readonly t: 'end'; readonly trailer: Uint8Array | null }
  /** The body ends before its time. */
  | { readonly t: 'broken'; readonly error: SelvedgeError }
  /** So many more bytes of the body may come. */
  | { readonly t: 'credit'; readonly bytes: number }

const tags = { ask: 1, answer: 2, refused: 3, failed: 4, data: 5, end: 6, broken: 7, credit: 8 } as const
const kinds = ['user', 'system', 'remote'] as const
const maxTextChars = 1_000
const codePattern = /^ERR_[A-Z0-9_]{1,60}$/
const textBounds = { maxBytes: 16 * 1024, maxDepth: 1, maxItems: 8 }
const headBounds = { maxBytes: callLimits.frameBytes, maxDepth: 1, maxItems: 8 }

export function encodeMessage(message: CallMessage): Uint8Array {
  const tag = tags[message.t]
  switch (message.t) {
    case 'ask':
      return tagged(tag, encodeCbor([message.deadlineMs, message.hops, message.head, packed(message.body)]))
    case 'answer':
      return tagged(tag, encodeCbor([message.head, packed(message.body)]))
    case 'refused':
    case 'failed':
    case 'broken':
      return tagged(tag, encodeCbor(errorFields(message.error)))
    case 'data':
      return tagged(tag, message.bytes)
    case 'end':
      return message.trailer === null ? tagged(tag, nothing) : tagged(tag, message.trailer)
    case 'credit': {
      const frame = new Uint8Array(5)
      frame[0] = tag
      new DataView(frame.buffer).setUint32(1, message.bytes)
      return frame
    }
  }
}

const nothing = new Uint8Array(0)

function tagged(tag: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bytes.length + 1)
  frame[0] = tag
  frame.set(bytes, 1)
  return frame
}

function packed(body: PackedBody): Uint8Array | true | null {
  return body === 'streamed' ? true : body
}

/** @throws ERR_CALL_PROTOCOL */
export function decodeMessage(frame: Uint8Array): CallMessage {
  const rest = frame.subarray(1)
  try {
    switch (frame[0]) {
      case tags.ask:
        return askOf(decodeCbor(rest, headBounds))
      case tags.answer:
        return answerOf(decodeCbor(rest, headBounds))
      case tags.refused:
        return { t: 'refused', error: errorFrom(decodeCbor(rest, textBounds)) }
      case tags.failed:
        return { t: 'failed', error: errorFrom(decodeCbor(rest, textBounds)) }
      case tags.broken:
        return { t: 'broken', error: errorFrom(decodeCbor(rest, textBounds)) }
      case tags.data:
        if (rest.length === 0 || rest.length > callLimits.pieceBytes)
          throw broken('a piece of no lawful size')
        return { t: 'data', bytes: rest }
      case tags.end:
        if (rest.length > callLimits.trailerBytes) throw broken('a trailer that is too long')
        return { t: 'end', trailer: rest.length === 0 ? null : rest }
      case tags.credit:
        return { t: 'credit', bytes: creditOf(rest) }
      default:
        throw broken(`a frame of kind ${frame[0]}`)
    }
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_CALL_PROTOCOL')) throw error
    throw broken(messageOf(error), error)
  }
}

function askOf(value: unknown): CallMessage {
  if (!Array.isArray(value) || value.length !== 4) throw broken('a question of another shape')
  const [deadlineMs, hops, head, body] = value as unknown[]
  if (!isCount(deadlineMs, callLimits.longestMs)) throw broken('a deadline that is none')
  if (!isCount(hops, callLimits.hops)) throw broken('hops that are none')
  return { t: 'ask', deadlineMs, hops, head: headOf(head), body: bodyOf(body) }
}

function answerOf(value: unknown): CallMessage {
  if (!Array.isArray(value) || value.length !== 2) throw broken('an answer of another shape')
  const [head, body] = value as unknown[]
  return { t: 'answer', head: headOf(head), body: bodyOf(body) }
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most
}

function headOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array && value.length <= callLimits.headBytes) return value
  throw broken('a head that is none')
}

function bodyOf(value: unknown): PackedBody {
  if (value === null) return null
  if (value === true) return 'streamed'
  if (value instanceof Uint8Array && value.length <= callLimits.inlineBytes) return value
  throw broken('a body that is none')
}

function creditOf(bytes: Uint8Array): number {
  if (bytes.length !== 4) throw broken('a credit that is none')
  const credit = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0)
  if (credit === 0 || credit > callLimits.windowBytes) throw broken('a credit beyond the window')
  return credit
}

function errorFields(error: SelvedgeError): unknown[] {
  return [error.code, error.kind, cut(error.message), cut(error.hint)]
}

/** By way of bytes, as the cut may have halved a surrogate pair, which no text of CBOR holds. */
function cut(text: string): string {
  return Buffer.from(text.slice(0, maxTextChars)).toString()
}

function errorFrom(value: unknown): SelvedgeError {
  if (!Array.isArray(value) || value.length !== 4) throw broken('an error of another shape')
  const [code, kind, message, hint] = value as unknown[]
  const known = kinds.find((each) => each === kind)
  if (typeof code !== 'string' || !codePattern.test(code) || known === undefined)
    throw broken('an error without a code')
  if (typeof message !== 'string' || typeof hint !== 'string') throw broken('an error without words')
  return new SelvedgeError(code, known, plainText(message), plainText(hint))
}

function broken(what: string, cause?: unknown): SelvedgeError {
  return callsProblems.error('ERR_CALL_PROTOCOL', `the other node sent ${what}`, { cause })
}

/** What crosses of an error that is not ours: that there was one, and its words. */
export function crossing(error: unknown): SelvedgeError {
  if (isSelvedgeError(error) && codePattern.test(error.code)) return error
  return callsProblems.error('ERR_CALL_FAULT', messageOf(error), { cause: error })
}
