/**
 * Ed25519 (RFC 8032) over the system's OpenSSL; keys are their raw 32 bytes everywhere else.
 *
 * OpenSSL verifies under keys of small order, for which anybody can make a signature that fits every message.
 * Those eight points, in every encoding, are refused here.
 */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { codecProblems } from './problems.ts'

export const publicKeyBytes = 32
export const seedBytes = 32
const signatureBytes = 64

/** A private key that signs but does not show itself. */
export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Uint8Array
  /** @returns 64 bytes; the same for the same message (RFC 8032 is deterministic) */
  sign(bytes: Uint8Array): Uint8Array
}

const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')
const spkiHead = Buffer.from('302a300506032b6570032100', 'hex')

/** Encodings, sign bit cleared, of the points whose order divides 8; the list is libsodium's (ed25519_ref10.c). */
const smallOrder: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/**
 * @param seed 32 random bytes (the private key of RFC 8032 section 5.1.5); the caller keeps them secret
 * @throws ERR_SIGNATURE where the seed has another length
 */
export function keyPairFromSeed(seed: Uint8Array): KeyPair {
  if (seed.length !== seedBytes) {
    throw codecProblems.error(
      'ERR_SIGNATURE',
      `an Ed25519 seed has ${seedBytes} bytes, this one ${seed.length}`,
    )
  }
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(spki.subarray(spkiHead.length)),
    sign: (bytes) => new Uint8Array(sign(null, bytes, privateKey)),
  }
}

/** True only for a good signature under a sound key; never throws. */
export function verifySignature(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (!isPublicKey(publicKey) || signature.length !== signatureBytes) return false
  try {
    return verify(null, bytes, importKey(publicKey), signature)
  } catch {
    return false
  }
}

/** True for 32 bytes that are no small-order point. Whether they are a point at all shows when a signature is checked. */
export function isPublicKey(publicKey: Uint8Array): boolean {
  if (publicKey.length !== publicKeyBytes) return false
  const unsigned = Buffer.from(publicKey)
  unsigned[publicKeyBytes - 1] = unsigned.readUInt8(publicKeyBytes - 1) & 0x7f
  return !smallOrder.has(unsigned.toString('hex'))
}

/**
 * Keys as OpenSSL wants them, the ones used last: making one takes nearly as long as checking a signature with it
 * (measured: 0.13 and 0.14 ms), and a log of thousands of releases is signed by a few.
 */
const imported = new Map<string, KeyObject>()
const maxImported = 256

function importKey(publicKey: Uint8Array): KeyObject {
  const name = Buffer.from(publicKey).toString('hex')
  const known = imported.get(name)
  const key =
    known ?? createPublicKey({ key: Buffer.concat([spkiHead, publicKey]), format: 'der', type: 'spki' })
  // Put last again, so that the first is the one not used for longest.
  imported.delete(name)
  imported.set(name, key)
  for (const oldest of imported.keys()) {
    if (imported.size <= maxImported) break
    imported.delete(oldest)
  }
  return key
}
