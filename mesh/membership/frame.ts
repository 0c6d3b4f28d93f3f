/** Messages between neighbours as bytes: a CBOR array that begins with the kind. A kind that is not known is passed over. */
import { decodeCbor, encodeCbor } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import { maxStatementBytes } from './notary.ts'
import { membershipProblems } from './problems.ts'
import { neighboursAtMost } from './rings.ts'
import type { Message } from './statement.ts'

/** In one frame; more go into the next. */
export const statementsPerFrame = 48
export const maxFrameBytes = statementsPerFrame * (maxStatementBytes + 4) + 16

const kinds = ['probe', 'ack', 'statements', 'summary', 'parting'] as const
const worstHealth = 8
/** Of the text form of a key. */
const maxIdLength = 128

/** A message as it came: statements are still closed. */
export type Frame =
  | Exclude<Message, { t: 'statements' }>
  | { readonly t: 'statements'; readonly list: readonly Uint8Array[] }

/** @returns one frame, or several for many statements */
export function encodeMessage(message: Message): Uint8Array[] {
  const kind = kinds.indexOf(message.t)
  switch (message.t) {
    case 'probe':
    case 'ack':
      return [encodeCbor([kind, message.number, message.slow])]
    case 'summary':
      return [encodeCbor([kind, message.digest, message.missing?.slice(0, neighboursAtMost) ?? null])]
    case 'parting':
      return [encodeCbor([kind])]
    case 'statements': {
      const frames: Uint8Array[] = []
      for (let at = 0; at < message.list.length; at += statementsPerFrame) {
        const part = message.list.slice(at, at + statementsPerFrame)
        frames.push(encodeCbor([kind, part.map(({ bytes }) => bytes)]))
      }
      return frames
    }
  }
}

/** @returns null for a kind that this version does not know @throws ERR_VOTE, ERR_CBOR and those beneath it */
export function decodeFrame(bytes: Uint8Array): Frame | null {
  const value = decodeCbor(bytes, { maxBytes: maxFrameBytes, maxDepth: 2, maxItems: statementsPerFrame + 8 })
  if (!Array.isArray(value)) throw unreadable('it is no array')
  const [kind, first, second] = value as unknown[]
  const t = typeof kind === 'number' ? kinds[kind] : undefined
  switch (t) {
    case undefined:
      return null
    case 'probe':
    case 'ack':
      return { t, number: wholeNumber(first), slow: Math.min(worstHealth, wholeNumber(second)) }
    case 'summary':
      return { t, digest: wholeNumber(first), missing: missingOf(second) }
    case 'parting':
      return { t }
    case 'statements': {
      const isList = Array.isArray(first) && first.every((entry) => entry instanceof Uint8Array)
      if (!isList) throw unreadable('its statements are no list of bytes')
      return { t, list: first as Uint8Array[] }
    }
  }
}

function missingOf(value: unknown): readonly NodeId[] | null {
  if (value === null) return null
  const isList =
    Array.isArray(value) &&
    value.length <= neighboursAtMost &&
    value.every((entry) => typeof entry === 'string' && entry.length <= maxIdLength)
  if (!isList) throw unreadable('the neighbours that it misses are no list of names')
  return value as NodeId[]
}

function wholeNumber(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw unreadable('a number is none')
}

function unreadable(what: string): Error {
  return membershipProblems.error('ERR_VOTE', `a message about members cannot be read: ${what}`)
}
