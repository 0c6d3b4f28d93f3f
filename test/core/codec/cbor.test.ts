import { Decoder, Encoder } from 'cbor-x'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCbor, encodeCbor, isSelvedgeError } from '../../../core/index.ts'

const limits = { maxBytes: 1 << 20, maxDepth: 16, maxItems: 10_000 }
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (value: unknown): string => Buffer.from(encodeCbor(value)).toString('hex')

const text = fc.string({ unit: 'grapheme', maxLength: 120 })
const number = fc.oneof(fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true })).map(plain)
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    number,
    text,
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(text, tie('value'), { maxKeys: 6, noNullPrototype: true }).map(withoutProto),
  ),
})).value

/** What survives: no -0, and no integers beyond what a number holds exactly. */
function plain(number: number): number {
  if (Number.isInteger(number) && !Number.isSafeInteger(number)) return 0.5
  return number === 0 ? 0 : number
}

function withoutProto(map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).filter(([name]) => name !== '__proto__'))
}

describe('deterministic CBOR', () => {
  it('gives back every value that was encoded', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(decodeCbor(encodeCbor(original), limits)).toEqual(original)
      }),
    )
  })

  it('encodes equal maps equally, whatever the order their fields came in', () => {
    fc.assert(
      fc.property(fc.dictionary(text, fc.integer(), { noNullPrototype: true }).map(withoutProto), (map) => {
        const turned = Object.fromEntries(Object.entries(map).reverse())
        expect(hex(turned)).toBe(hex(map))
      }),
    )
  })

  it('accepts no second encoding of anything: what decodes, encodes to the same bytes', () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.nat({ max: 255 }), (original, at, byte) => {
        const altered = encodeCbor(original)
        altered[at % altered.length] = byte
        const decoded = decodedOrRefused(altered)
        if (decoded !== refused) expect(encodeCbor(decoded)).toEqual(altered)
      }),
      { numRuns: 1_000 },
    )
  })

  it('answers random bytes with a value or ERR_CBOR, never with another error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        decodedOrRefused(noise)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is read alike by an independent decoder', () => {
    const other = new Decoder({ useRecords: false, mapsAsObjects: true, int64AsNumber: true } as object)
    const ascii = fc.string({ maxLength: 60 }).filter((name) => name !== '__proto__')
    fc.assert(
      fc.property(
        fc.dictionary(ascii, fc.oneof(number, ascii, fc.boolean()), { noNullPrototype: true }),
        (map) => {
          expect(other.decode(Buffer.from(encodeCbor(map)))).toEqual(map)
        },
      ),
    )
  })

  it('matches the examples of RFC 8949 appendix A', () => {
    const examples: [unknown, string][] = [
      [0, '00'],
      [23, '17'],
      [24, '1818'],
      [1000, '1903e8'],
      [1000000, '1a000f4240'],
      [1000000000000, '1b000000e8d4a51000'],
      [-1, '20'],
      [-1000, '3903e7'],
      [1.1, 'fb3ff199999999999a'],
      [null, 'f6'],
      ['ü', '62c3bc'],
      ['𐅑', '64f0908591'],
      [new Uint8Array([1, 2, 3, 4]), '4401020304'],
      [[1, [2, 3], [4, 5]], '8301820203820405'],
      [{ a: 1, b: [2, 3] }, 'a26161016162820203'],
    ]
    for (const [example, encoded] of examples) {
      expect(hex(example)).toBe(encoded)
      expect(decodeCbor(bytes(encoded), limits)).toEqual(example)
    }
  })

  it('keeps a byte order mark at the start of long text', () => {
    const marked = '\ufeff' + 'a'.repeat(100)
    expect(decodeCbor(encodeCbor(marked), limits)).toBe(marked)
  })

  it('sorts keys by their encoding, shorter ones first', () => {
    expect(hex({ aa: 1, b: 2 })).toBe('a261620262616101')
  })

  it('leaves out fields that are undefined', () => {
    expect(hex({ a: undefined, b: 1 })).toBe(hex({ b: 1 }))
  })
})

describe('CBOR from outside', () => {
  const bad: [string, string][] = [
    ['nothing at all', ''],
    ['a tag', 'c000'],
    ['tag 27, which some decoders turn into code', 'd81b8265527265674578616161'],
    ['an indefinite array', '9f01ff'],
    ['an indefinite map', 'bf616101ff'],
    ['an indefinite text', '7f6161ff'],
    ['a break on its own', 'ff'],
    ['a key twice', 'a2616101616102'],
    ['keys out of order', 'a2616201616101'],
    ['a key that is a number', 'a10101'],
    ['a key named __proto__', 'a1695f5f70726f746f5f5f01'],
    ['an integer in a longer form', '1817'],
    ['a length in a longer form', '780161'],
    ['a 16-bit integer in a longer form', '190017'],
    ['a 64-bit integer in a longer form', '1b0000000000000001'],
    ['an integer beyond 2^53 - 1', '1b0020000000000000'],
    ['a negative integer beyond 2^53 - 1', '3b001fffffffffffff'],
    ['a whole number as a float', 'fb3ff0000000000000'],
    ['a half-precision float', 'f93e00'],
    ['not a number', 'fb7ff8000000000000'],
    ['undefined', 'f7'],
    ['text that is not UTF-8', '61ff'],
    ['a surrogate in UTF-8', '63eda080'],
    ['text that goes on beyond the end', '6261'],
    ['an array that says it has four billion items', '9affffffff'],
    ['a map that says it has 2^52 entries', 'bb0010000000000000'],
    ['a reserved length', '1c'],
  ]
  it.each(bad)('refuses %s', (_, encoded) => {
    expect(() => decodeCbor(bytes(encoded), limits)).toThrow(expect.objectContaining({ code: 'ERR_CBOR' }))
  })

  it('refuses bytes behind the value, and says so with a code of its own', () => {
    expect(() => decodeCbor(bytes('0000'), limits)).toThrow(
      expect.objectContaining({ code: 'ERR_CBOR_TRAILING' }),
    )
  })

  it('refuses more bytes, more depth and more items than allowed, and takes what is just allowed', () => {
    const listed = encodeCbor([1, 2, 3])
    expect(decodeCbor(listed, { maxBytes: 4, maxItems: 4 })).toEqual([1, 2, 3])
    expect(() => decodeCbor(listed, { maxBytes: 3 })).toThrow('more than the 3 allowed')
    expect(() => decodeCbor(listed, { maxBytes: 4, maxItems: 3 })).toThrow('too many values')
    expect(decodeCbor(nested(3), { maxBytes: 99, maxDepth: 3 })).toEqual([[[0]]])
    expect(() => decodeCbor(nested(4), { maxBytes: 99, maxDepth: 3 })).toThrow('nesting deeper than 3')
    expect(() => decodeCbor(nested(100_000), { maxBytes: 1 << 20 })).toThrow('nesting deeper than 16')
  })

  it('hands out bytes of its own, which later changes to the input do not reach', () => {
    const encoded = encodeCbor([new Uint8Array([1, 2, 3])])
    for (const input of [encoded.slice(), Buffer.from(encoded)]) {
      const [inner] = decodeCbor(input, limits) as [Uint8Array]
      input.fill(0)
      expect(inner).toEqual(new Uint8Array([1, 2, 3]))
    }
  })

  it('refuses the longer map lengths that a lenient encoder writes', () => {
    const lenient = new Encoder({ useRecords: false, variableMapSize: false } as object)
    expect(() => decodeCbor(new Uint8Array(lenient.encode({ a: 1 })), limits)).toThrow(
      expect.objectContaining({ code: 'ERR_CBOR' }),
    )
  })
})

describe('values that CBOR cannot carry', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  const cases: [string, unknown][] = [
    ['undefined', undefined],
    ['not a number', NaN],
    ['infinity', Infinity],
    ['an integer beyond 2^53 - 1', 2 ** 53],
    ['a bigint', 1n],
    ['a function', () => 0],
    ['a date', new Date(0)],
    ['a Map', new Map()],
    ['half a surrogate pair', '\ud800'],
    ['itself', cycle],
    ['a field named __proto__', JSON.parse('{"__proto__":1}')],
  ]
  it.each(cases)('are refused: %s', (_, impossible) => {
    expect(() => encodeCbor(impossible)).toThrow(expect.objectContaining({ code: 'ERR_CBOR' }))
  })
})

const nested = (depth: number): Uint8Array => bytes('81'.repeat(depth) + '00')

const refused = Symbol('refused')

function decodedOrRefused(input: Uint8Array): unknown {
  try {
    return decodeCbor(input, limits)
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_CBOR', 'ERR_CBOR_SIZE', 'ERR_CBOR_TRAILING')) return refused
    throw error
  }
}
