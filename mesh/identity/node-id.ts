/**
 * Node ids: libp2p peer ids of Ed25519 keys, written without libp2p.
 *
 * A peer id is the base58btc form of an identity multihash over the protobuf-encoded public key (libp2p specs,
 * peer-ids): 00 24 · 08 01 12 20 · 32 bytes. So the key can be read back from the id.
 */
import { base58btc } from 'multiformats/bases/base58'
import { isPublicKey, publicKeyBytes } from '../../core/index.ts'
import { identityProblems } from './problems.ts'

/** `12D3KooW…`, 52 characters. */
export type NodeId = string

const head = new Uint8Array([0x00, 0x24, 0x08, 0x01, 0x12, 0x20])
const maxChars = 64

/** @param publicKey 32 bytes */
export function nodeIdOf(publicKey: Uint8Array): NodeId {
  const bytes = new Uint8Array(head.length + publicKeyBytes)
  bytes.set(head)
  bytes.set(publicKey, head.length)
  return base58btc.baseEncode(bytes)
}

/**
 * @returns the 32 bytes of the node's public key
 * @throws ERR_NODE_ID where the text is no peer id of an Ed25519 key
 */
export function publicKeyOf(nodeId: NodeId): Uint8Array {
  const bytes = decode(nodeId)
  const key = bytes?.slice(head.length)
  const headFits = bytes !== null && Buffer.compare(bytes.subarray(0, head.length), head) === 0
  if (key === undefined || !headFits || !isPublicKey(key)) {
    throw identityProblems.error('ERR_NODE_ID', `${JSON.stringify(nodeId.slice(0, maxChars))} is no node id`)
  }
  return key
}

/** True for text that {@link publicKeyOf} reads. */
export function isNodeId(value: unknown): value is NodeId {
  if (typeof value !== 'string') return false
  try {
    publicKeyOf(value)
    return true
  } catch {
    return false
  }
}

function decode(text: string): Uint8Array | null {
  // Base58 takes time that grows with the square of the length.
  if (text.length > maxChars) return null
  try {
    return base58btc.baseDecode(text)
  } catch {
    return null
  }
}
