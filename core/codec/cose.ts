/**
 * Signed records: COSE_Sign1 and COSE_Sign (RFC 9052 sections 4.2 and 4.1), EdDSA, untagged.
 *
 * `alg` and `kid` (the raw public key) stand in the protected header, the unprotected one is empty, and what a
 * signature is for goes into the external AAD, so a receipt can never pass as a release. There is one way to write
 * a signed record, and signatures are checked over the received bytes before anybody reads the payload.
 */
import { decodeCbor } from './decoder.ts'
import { encodeCbor } from './encoder.ts'
import { publicKeyBytes, verifySignature, type KeyPair } from './ed25519.ts'
import { codecProblems } from './problems.ts'

/** What a signature is for, in lower-case words joined by `-`; becomes the AAD `selvedge/<purpose>/1`. */
export type Purpose = string

/** More signatures than this on one record are refused. */
const maxSigners = 16

/** Deterministic CBOR of { 1: -8, 4: kid }: the head that every protected header here has. */
const protectedHead = Buffer.from('a20127045820', 'hex')
const noHeader = new Uint8Array(0)
const envelope = { maxDepth: 4, maxItems: 8 + 8 * maxSigners }

/** A record whose signature holds; whether the signer may sign it is for the caller to decide. */
export interface Signed {
  readonly payload: Uint8Array
  /** The signer's public key, 32 bytes. */
  readonly kid: Uint8Array
}

/** Signs `payload` as a COSE_Sign1. */
export function sign1(options: { purpose: Purpose; payload: Uint8Array; key: KeyPair }): Uint8Array {
  const { purpose, payload, key } = options
  const header = protectedHeader(key.publicKey)
  const signature = key.sign(encodeCbor(['Signature1', header, aad(purpose), payload]))
  return encodeCbor([header, {}, payload, signature])
}

/**
 * Checks a COSE_Sign1 of ours.
 * @param options `maxBytes` bounds the whole record
 * @throws ERR_SIGNATURE where the bytes are no such record, were altered, or were signed for another purpose
 */
export function verify1(bytes: Uint8Array, options: { purpose: Purpose; maxBytes: number }): Signed {
  const record = readEnvelope(bytes, options.maxBytes)
  const [header, unprotected, payload, signature] = record
  if (!isBytes(header) || !isEmptyMap(unprotected) || !isBytes(payload) || !isBytes(signature)) {
    throw unsigned('the bytes are no COSE_Sign1 record')
  }
  const kid = signerOf(header)
  const signed = encodeCbor(['Signature1', header, aad(options.purpose), payload])
  if (!verifySignature(kid, signed, signature))
    throw unsigned(`the ${options.purpose} signature does not fit`)
  return { payload, kid }
}

/** Signs `payload` as a COSE_Sign with one signature per key. */
export function signMany(options: {
  purpose: Purpose
  payload: Uint8Array
  keys: readonly KeyPair[]
}): Uint8Array {
  const { purpose, payload, keys } = options
  const signatures = keys.map((key) => {
    const header = protectedHeader(key.publicKey)
    return [header, {}, key.sign(encodeCbor(['Signature', noHeader, header, aad(purpose), payload]))]
  })
  return encodeCbor([noHeader, {}, payload, signatures])
}

/**
 * Adds a signature to a COSE_Sign of ours, whose own signatures are checked first. The payload stays as it is.
 * @returns the same bytes where this key has signed already
 * @throws ERR_SIGNATURE as {@link verifyMany}, and where 16 have signed
 */
export function cosign(
  bytes: Uint8Array,
  options: { purpose: Purpose; maxBytes: number; key: KeyPair },
): Uint8Array {
  const { purpose, maxBytes, key } = options
  const { payload, kids } = verifyMany(bytes, { purpose, maxBytes })
  if (kids.some((kid) => Buffer.compare(kid, key.publicKey) === 0)) return bytes
  if (kids.length >= maxSigners) throw unsigned(`a record needs 1 to ${maxSigners} signatures`)
  const signatures = readEnvelope(bytes, maxBytes)[3] as unknown[]
  const header = protectedHeader(key.publicKey)
  const signature = key.sign(encodeCbor(['Signature', noHeader, header, aad(purpose), payload]))
  return encodeCbor([noHeader, {}, payload, [...signatures, [header, {}, signature]]])
}

/**
 * Checks a COSE_Sign of ours: every signature on it must hold.
 * @returns the payload, the *distinct* keys that signed it, and how many signatures there were with repeats
 * @throws ERR_SIGNATURE as {@link verify1}, and where there is no signature or more than 16
 */
export function verifyMany(
  bytes: Uint8Array,
  options: { purpose: Purpose; maxBytes: number },
): { payload: Uint8Array; kids: Uint8Array[]; signatures: number } {
  const [header, unprotected, payload, signatures] = readEnvelope(bytes, options.maxBytes)
  if (!isBytes(header) || header.length > 0 || !isEmptyMap(unprotected) || !isBytes(payload)) {
    throw unsigned('the bytes are no COSE_Sign record')
  }
  if (!Array.isArray(signatures) || signatures.length === 0 || signatures.length > maxSigners) {
    throw unsigned(`a record needs 1 to ${maxSigners} signatures`)
  }
  const kids = new Map<string, Uint8Array>()
  for (const entry of signatures as unknown[]) {
    const kid = verifyOne(entry, payload, options.purpose)
    kids.set(Buffer.from(kid).toString('hex'), kid)
  }
  return { payload, kids: [...kids.values()], signatures: signatures.length }
}

function verifyOne(entry: unknown, payload: Uint8Array, purpose: Purpose): Uint8Array {
  const [header, unprotected, signature] =
    Array.isArray(entry) && entry.length === 3 ? (entry as unknown[]) : []
  if (!isBytes(header) || !isEmptyMap(unprotected) || !isBytes(signature)) {
    throw unsigned('a signature is not of the form COSE asks for')
  }
  const kid = signerOf(header)
  const signed = encodeCbor(['Signature', noHeader, header, aad(purpose), payload])
  if (!verifySignature(kid, signed, signature)) throw unsigned(`a ${purpose} signature does not fit`)
  return kid
}

function readEnvelope(bytes: Uint8Array, maxBytes: number): unknown[] {
  let record: unknown
  try {
    record = decodeCbor(bytes, { maxBytes, ...envelope })
  } catch (cause) {
    throw codecProblems.error('ERR_SIGNATURE', 'the bytes are no signed record', { cause })
  }
  if (!Array.isArray(record) || record.length !== 4) throw unsigned('the bytes are no signed record')
  return record
}

function signerOf(header: Uint8Array): Uint8Array {
  const head = header.subarray(0, protectedHead.length)
  if (header.length !== protectedHead.length + publicKeyBytes || Buffer.compare(head, protectedHead) !== 0) {
    throw unsigned('the protected header is not { alg: EdDSA, kid: 32 bytes }')
  }
  return header.slice(protectedHead.length)
}

function protectedHeader(publicKey: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.concat([protectedHead, publicKey]))
}

function aad(purpose: Purpose): Uint8Array {
  return new TextEncoder().encode(`selvedge/${purpose}/1`)
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array
}

function isEmptyMap(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    !isBytes(value) &&
    !Array.isArray(value) &&
    Object.keys(value).length === 0
  )
}

function unsigned(message: string): Error {
  return codecProblems.error('ERR_SIGNATURE', message)
}
