import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeCbor,
  encodeCbor,
  keyPairFromSeed,
  sign1,
  signMany,
  verify1,
  verifyMany,
  verifySignature,
} from '../../../core/index.ts'

const key = keyPairFromSeed(new Uint8Array(32).fill(7))
const other = keyPairFromSeed(new Uint8Array(32).fill(8))
const payload = encodeCbor({ v: 1, text: 'hello' })
const options = { purpose: 'release', maxBytes: 1_000 }
const notSigned = expect.objectContaining({ code: 'ERR_SIGNATURE' })

describe('Ed25519', () => {
  it('signs as in RFC 8032 section 7.1, test 2', () => {
    const seed = Buffer.from('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb', 'hex')
    const pair = keyPairFromSeed(seed)
    expect(Buffer.from(pair.publicKey).toString('hex')).toBe(
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    )
    expect(Buffer.from(pair.sign(new Uint8Array([0x72]))).toString('hex')).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
        '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    )
  })

  it('refuses a key of small order, for which one signature fits every message', () => {
    const identity = new Uint8Array(32)
    identity[0] = 1
    const universal = new Uint8Array(64)
    universal[0] = 1
    // Not every version of OpenSSL refuses such a key by itself: Node 20 takes it, Node 24 does not.
    expect(verifySignature(identity, payload, universal)).toBe(false)
    identity[31] = 0x80
    expect(verifySignature(identity, payload, universal)).toBe(false)
  })

  it('answers false, not an error, to keys and signatures that are none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 70 }), (noise, signature) => {
        expect(verifySignature(noise, payload, signature)).toBe(false)
      }),
    )
  })
})

describe('COSE_Sign1', () => {
  it('gives back payload and signer', () => {
    const { payload: read, kid } = verify1(sign1({ purpose: 'release', payload, key }), options)
    expect(read).toEqual(payload)
    expect(kid).toEqual(key.publicKey)
  })

  it('refuses a record altered by one byte, at any position', () => {
    const signed = sign1({ purpose: 'release', payload, key })
    for (let at = 0; at < signed.length; at++) {
      const altered = signed.slice()
      altered[at] = signed[at]! ^ (1 << (at % 8))
      expect(() => verify1(altered, options), `byte ${at}`).toThrow(notSigned)
    }
  })

  it('refuses a record cut short or continued', () => {
    const signed = sign1({ purpose: 'release', payload, key })
    for (let length = 0; length < signed.length; length++) {
      expect(() => verify1(signed.subarray(0, length), options)).toThrow(notSigned)
    }
    expect(() => verify1(new Uint8Array([...signed, 0]), options)).toThrow(notSigned)
  })

  it('refuses a signature made for another purpose', () => {
    const signed = sign1({ purpose: 'receipt', payload, key })
    expect(() => verify1(signed, options)).toThrow('the release signature does not fit')
  })

  it('refuses a record over the limit before reading it', () => {
    const signed = sign1({ purpose: 'release', payload: new Uint8Array(2_000), key })
    expect(() => verify1(signed, options)).toThrow(notSigned)
  })

  it('refuses anything in the unprotected header, which no signature covers', () => {
    const [header, , body, signature] = decodeCbor(sign1({ purpose: 'release', payload, key }), {
      maxBytes: 1_000,
    }) as unknown[]
    expect(() => verify1(encodeCbor([header, { x: 1 }, body, signature]), options)).toThrow(notSigned)
  })

  it('refuses another algorithm in the protected header', () => {
    const header = Buffer.concat([Buffer.from('a20126045820', 'hex'), key.publicKey])
    const signature = key.sign(encodeCbor(['Signature1', header, Buffer.from('selvedge/release/1'), payload]))
    expect(() => verify1(encodeCbor([header, {}, payload, signature]), options)).toThrow('alg: EdDSA')
  })

  it('answers random bytes with ERR_SIGNATURE', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(() => verify1(noise, options)).toThrow(notSigned)
        expect(() => verifyMany(noise, options)).toThrow(notSigned)
      }),
    )
  })
})

describe('COSE_Sign', () => {
  it('names each signer once, however often it signed', () => {
    const signed = signMany({ purpose: 'trust', payload, keys: [key, other, key] })
    const { payload: read, kids } = verifyMany(signed, { purpose: 'trust', maxBytes: 1_000 })
    expect(read).toEqual(payload)
    expect(kids).toEqual([key.publicKey, other.publicKey])
  })

  it('refuses the whole record when one signature is bad', () => {
    const signed = signMany({ purpose: 'trust', payload, keys: [key, other] })
    signed[signed.length - 1]! ^= 1
    expect(() => verifyMany(signed, { purpose: 'trust', maxBytes: 1_000 })).toThrow(notSigned)
  })

  it('refuses no signature, and more than the limit', () => {
    for (const keys of [[], Array.from({ length: 17 }, () => key)]) {
      const signed = signMany({ purpose: 'trust', payload, keys })
      expect(() => verifyMany(signed, { purpose: 'trust', maxBytes: 10_000 })).toThrow(notSigned)
    }
  })

  it('is never taken for a COSE_Sign1, nor the other way round', () => {
    const one = sign1({ purpose: 'trust', payload, key })
    const many = signMany({ purpose: 'trust', payload, keys: [key] })
    expect(() => verify1(many, { purpose: 'trust', maxBytes: 1_000 })).toThrow(notSigned)
    expect(() => verifyMany(one, { purpose: 'trust', maxBytes: 1_000 })).toThrow(notSigned)
  })
})
