/**
 * What is said before a circuit carries bytes, one frame each way.
 *
 * A node asks its gateway, on {@link gatewayProtocol}, to keep a place for it or to connect it with another member. The
 * gateway asks that member on {@link circuitProtocol}. After "yes" to a connection every frame is a piece of it. The two
 * ends prove their keys to each other through it; the gateway's word counts for nothing.
 */
import { decodeCbor, encodeCbor, messageOf } from '../../core/index.ts'
import type { NodeId } from './contract.ts'
import { transportProblems } from './problems.ts'

/** From a member to a gateway. */
export const gatewayProtocol = '/selvedge/gateway/1'
/** From a gateway to a member that keeps a place with it. */
export const circuitProtocol = '/selvedge/circuit/1'
/** Pieces are cut to this: as much as a stream sends at once, so that circuits take fair turns. */
export const circuitFrameBytes = 256 * 1024

export type CircuitRequest =
  /** Keep a place for me, or keep it for longer. */
  | { readonly t: 'reserve' }
  /** I need the place no more. */
  | { readonly t: 'release' }
  /** Connect me with this member. */
  | { readonly t: 'connect'; readonly node: NodeId }
  /** From a gateway: this member would speak with you. */
  | { readonly t: 'incoming'; readonly node: NodeId }

export type CircuitAnswer =
  | { readonly t: 'yes'; /** How long a place is kept, milliseconds. */ readonly ms?: number }
  | { readonly t: 'no'; readonly code: string; readonly message: string }

const maxMessageBytes = 1_024
const maxText = 256
const nodePattern = /^[A-Za-z0-9]{1,128}$/
const codePattern = /^ERR_[A-Z0-9_]{1,60}$/
/** A day: no gateway means more. */
const maxPlaceMs = 86_400_000

export function encodeCircuitMessage(message: CircuitRequest | CircuitAnswer): Uint8Array {
  return encodeCbor(
    'message' in message ? { ...message, message: message.message.slice(0, maxText) } : message,
  )
}

/** @throws ERR_CIRCUIT_MESSAGE */
export function decodeCircuitRequest(bytes: Uint8Array): CircuitRequest {
  const { t, node } = decode(bytes)
  if (t === 'reserve' || t === 'release') return { t }
  if ((t === 'connect' || t === 'incoming') && typeof node === 'string' && nodePattern.test(node)) {
    return { t, node }
  }
  throw malformed('it asks for nothing that gateways do')
}

/** @throws ERR_CIRCUIT_MESSAGE */
export function decodeCircuitAnswer(bytes: Uint8Array): CircuitAnswer {
  const { t, ms, code, message } = decode(bytes)
  if (t === 'yes' && ms === undefined) return { t }
  if (t === 'yes' && typeof ms === 'number' && ms > 0 && ms <= maxPlaceMs) return { t, ms }
  if (t === 'no' && typeof code === 'string' && codePattern.test(code) && typeof message === 'string') {
    return { t, code, message: message.slice(0, maxText).replace(/\p{C}/gu, '') }
  }
  throw malformed('it is neither yes nor no')
}

function decode(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value = decodeCbor(bytes, { maxBytes: maxMessageBytes, maxDepth: 1, maxItems: 8 })
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch (error) {
    throw malformed(messageOf(error), error)
  }
  throw malformed('it is no message')
}

function malformed(what: string, cause?: unknown): Error {
  return transportProblems.error('ERR_CIRCUIT_MESSAGE', `a message about a circuit was refused: ${what}`, {
    cause,
  })
}
