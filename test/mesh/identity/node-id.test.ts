import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isNodeId, nodeIdOf, publicKeyOf } from '../../../mesh/identity/index.ts'
import { keyNamed } from './harness.ts'

const refusedId = expect.objectContaining({ code: 'ERR_NODE_ID' })

describe('a node id', () => {
  it('is the peer id that libp2p gives the same key', () => {
    for (const name of ['a', 'b', 'c']) {
      const { publicKey } = keyNamed(name)
      expect(nodeIdOf(publicKey)).toBe(peerIdFromPublicKey(publicKeyFromRaw(publicKey)).toString())
      expect(nodeIdOf(publicKey)).toMatch(/^12D3KooW/)
    }
  })

  it('gives the key back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32, min: 2 }), (key) => {
        expect(publicKeyOf(nodeIdOf(key))).toEqual(key)
      }),
    )
  })

  it.each([
    '',
    'lobby-1',
    '0OIl',
    'QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N',
    'z'.repeat(100_000),
    nodeIdOf(keyNamed('a').publicKey).slice(0, -1),
    nodeIdOf(new Uint8Array(32)),
  ])('is refused where it is no Ed25519 peer id: %.20s', (text) => {
    expect(() => publicKeyOf(text)).toThrow(refusedId)
    expect(isNodeId(text)).toBe(false)
  })
})
