/** Values of WIT types as text: what is written is read back, and what is no value of its type is refused in words. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Signature, WitShape } from '../../../host/engine/index.ts'
import {
  fits,
  fromJson,
  readArguments,
  readText,
  readWave,
  sampleArguments,
  shownFunction,
  toJson,
  waveText,
  witDefinitions,
  witFunction,
} from '../../../host/values/index.ts'

const u32: WitShape = { kind: 'u32' }
const string: WitShape = { kind: 'string' }
const reading: WitShape = {
  kind: 'record',
  members: [
    { name: 'value', type: { kind: 'f64' } },
    { name: 'time-ms', type: { kind: 'u64' } },
    { name: 'unit', type: { kind: 'option', item: string } },
  ],
}

interface Sample {
  readonly type: WitShape
  readonly value: unknown
}

/** A type, and a value of it as jco lifts it. */
const samples: fc.Arbitrary<Sample> = fc.letrec<{ sample: Sample; leaf: Sample }>((tie) => ({
  leaf: fc.oneof(
    sampled({ kind: 'bool' }, fc.boolean()),
    sampled({ kind: 'u8' }, fc.integer({ min: 0, max: 255 })),
    sampled({ kind: 's32' }, fc.integer()),
    sampled({ kind: 'u64' }, fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
    sampled({ kind: 's64' }, fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })),
    sampled({ kind: 'f64' }, fc.double({ noNaN: true })),
    sampled(string, fc.string({ unit: 'binary' })),
    sampled({ kind: 'char' }, fc.string({ minLength: 1, maxLength: 1, unit: 'grapheme' }).filter(isOne)),
    sampled({ kind: 'enum', names: ['low', 'none', 'true'] }, fc.constantFrom('low', 'none', 'true')),
    sampled(
      { kind: 'flags', names: ['read', 'write-all'] },
      fc.record({ read: fc.boolean(), writeAll: fc.boolean() }),
    ),
    sampled({ kind: 'list', item: { kind: 'u8' } }, fc.uint8Array({ maxLength: 5 })),
  ),
  sample: fc.oneof(
    { maxDepth: 4 },
    tie('leaf'),
    tie('sample').map(({ type, value }): Sample => ({
      type: { kind: 'list', item: type },
      value: listOf(type, value),
    })),
    fc.tuple(tie('sample'), tie('sample')).map(([a, b]): Sample => ({
      type: { kind: 'tuple', items: [a.type, b.type] },
      value: [a.value, b.value],
    })),
    fc.tuple(tie('sample'), tie('sample')).map(([a, b]): Sample => ({
      type: {
        kind: 'record',
        members: [
          { name: 'first', type: a.type },
          { name: 'second-one', type: b.type },
        ],
      },
      value: { first: a.value, secondOne: b.value },
    })),
    fc.tuple(tie('sample'), fc.boolean()).map(([{ type, value }, isNone]): Sample => ({
      type: { kind: 'option', item: type },
      value: optional(type, value, isNone),
    })),
    fc.tuple(tie('sample'), fc.boolean()).map(([{ type, value }, isErr]): Sample => ({
      type: { kind: 'result', ok: type, err: string },
      value: isErr ? { tag: 'err', val: 'it "broke"' } : { tag: 'ok', val: value },
    })),
    tie('sample').map(({ type, value }): Sample => ({
      type: {
        kind: 'variant',
        members: [
          { name: 'some', type },
          { name: 'off', type: null },
        ],
      },
      value: { tag: 'some', val: value },
    })),
  ),
})).sample

function sampled<Value>(type: WitShape, values: fc.Arbitrary<Value>): fc.Arbitrary<Sample> {
  return values.map((value) => ({ type, value }))
}

function isOne(text: string): boolean {
  return [...text].length === 1
}

function listOf(type: WitShape, value: unknown): unknown {
  return type.kind === 'u8' ? Uint8Array.from([Number(value)]) : [value, value]
}

function optional(type: WitShape, value: unknown, isNone: boolean): unknown {
  if (type.kind === 'option') return isNone ? { tag: 'none' } : { tag: 'some', val: value }
  return isNone ? undefined : value
}

function holdsMinusZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.values(value).some(holdsMinusZero)
  return Object.is(value, -0)
}

describe('a value of a WIT type', () => {
  it('is read back from the WAVE that it is written as', () => {
    fc.assert(
      fc.property(samples, ({ type, value }) => {
        expect(fits(value, type)).toBe(true)
        expect(readWave(waveText(value, type), type)).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it('is read back from the JSON that it is written as', () => {
    fc.assert(
      fc.property(samples, ({ type, value }) => {
        // JSON.stringify writes -0 as 0.
        fc.pre(!holdsMinusZero(value))
        const text = JSON.stringify(toJson(value, type))
        expect(fromJson(JSON.parse(text), type)).toEqual(value)
      }),
      { numRuns: 500 },
    )
  })

  it('is written as the words of its WIT', () => {
    expect(waveText({ value: 312.5, timeMs: 12n, unit: 'lx' }, reading)).toBe(
      '{value: 312.5, time-ms: 12, unit: some("lx")}',
    )
    expect(waveText({ value: 1, timeMs: 2n, unit: undefined }, reading)).toBe('{value: 1, time-ms: 2}')
  })

  it('may be typed as people used to JSON do', () => {
    const read = readWave('{"timeMs": 7, "value": -1.5e2, unit: null} // a reading', reading)
    expect(read).toEqual({ value: -150, timeMs: 7n, unit: undefined })
  })

  it.each([
    ['256', { kind: 'u8' }, '256 is outside of u8: 0 to 255'],
    ['"a', string, 'a text without its end'],
    ['{value: 1}', reading, 'the field time-ms of'],
    ['{value: 1, lux: 2}', reading, 'lux is no field of'],
    ['yes', { kind: 'bool' }, 'true or false is expected where "yes" is'],
    ['[1, 2', { kind: 'list', item: u32 }, 'is expected where the end of the text is'],
    ['1 2', u32, 'nothing more is expected where "2" is'],
    ['[1]', { kind: 'list', item: null }, 'its type is not known'],
  ] satisfies [string, WitShape, string][])('is refused where it is none: %s', (text, type, why) => {
    expect(() => readWave(text, type)).toThrow(why)
  })

  it('that is nested without end is refused, and not followed', () => {
    let type: WitShape = u32
    for (let depth = 0; depth < 2_000; depth += 1) type = { kind: 'list', item: type }
    expect(() => readWave('['.repeat(2_000), type)).toThrow('nested deeper')
    expect(fits(JSON.parse('['.repeat(2_000) + ']'.repeat(2_000)), type)).toBe(false)
  })
})

describe('the arguments of a call', () => {
  const signature: Signature = {
    kind: 'function',
    parameters: [
      { name: 'celsius', type: { kind: 'f64' } },
      { name: 'label', type: string },
      { name: 'digits', type: { kind: 'option', item: u32 } },
    ],
    result: { kind: 'result', ok: string, err: string },
  }

  it('are typed by name or in their place, text without quotation marks, options left out', () => {
    const word = (text: string, name: string | null = null) => ({ name, text })
    expect(readArguments('show', signature, [word('21.5'), word('warm, today')])).toEqual([
      21.5,
      'warm, today',
      undefined,
    ])
    const named = [word('2', 'digits'), word('x', 'label'), word('-3')]
    expect(readArguments('show', signature, named)).toEqual([-3, 'x', 2])
  })

  it('are one text where a guest writes them, with or without parentheses', () => {
    expect(readText('show', signature, '(1, "a", none)', 'wave')).toEqual([1, 'a', undefined])
    expect(readText('show', signature, '1, "a", some(3)', 'wave')).toEqual([1, 'a', 3])
    expect(readText('show', signature, '[1, "a", null]', 'json')).toEqual([1, 'a', undefined])
  })

  it('that are not of their types are refused with what the function takes', () => {
    const hint = 'show is func(celsius: f64, label: string, digits: option<u32>) -> result<string, string>'
    expect(shownFunction(signature)).toBe(hint.replace('show is ', ''))
    for (const call of [
      () => readText('show', signature, '1', 'wave'),
      () => readText('show', signature, '"1", "a", none', 'wave'),
      () => readText('show', signature, '["1", "a", null]', 'json'),
      () => readText('show', signature, '{', 'json'),
      () => readArguments('show', signature, [{ name: 'kelvin', text: '1' }]),
      () => readArguments('show', signature, [{ name: null, text: '1' }]),
    ]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_CALL_ARGUMENTS', hint }) as Error)
    }
  })

  it('that are resources cannot be written down', () => {
    const handle: Signature = { ...signature, parameters: [{ name: 'body', type: { kind: 'handle' } }] }
    expect(() => readText('take', handle, '1', 'wave')).toThrow('a resource or a stream')
  })
})

describe('a function in the words of WIT', () => {
  const point: WitShape = {
    kind: 'record',
    name: 'point',
    members: [
      { name: 'x', type: { kind: 's32' } },
      { name: 'how', type: { kind: 'enum', name: 'level', names: ['low', 'high'] } },
    ],
  }
  const failure: WitShape = {
    kind: 'variant',
    name: 'failure',
    members: [
      { name: 'gone', type: null },
      { name: 'other', type: string },
    ],
  }
  const signature: Signature = {
    kind: 'function',
    parameters: [{ name: 'by', type: { kind: 'list', item: point } }],
    result: { kind: 'result', ok: point, err: failure },
  }

  it('has the names of its types, and beside that what they stand for', () => {
    expect(witFunction(signature)).toBe('func(by: list<point>) -> result<point, failure>')
    expect(witDefinitions(signature)).toEqual([
      'record point { x: s32, how: level }',
      'variant failure { gone, other(string) }',
      'enum level { low, high }',
    ])
  })

  it('has types without a name as they are', () => {
    const nameless: Signature = { ...signature, parameters: [{ name: 'at', type: reading }], result: null }
    expect(witFunction(nameless)).toBe('func(at: record { value: f64, time-ms: u64, unit: option<string> })')
    expect(witDefinitions(nameless)).toEqual([])
  })

  it('comes with arguments to begin with, which it takes as they are typed', () => {
    expect(sampleArguments(signature)).toEqual(['by=[{x: 1, how: low}]'])
    fc.assert(
      fc.property(fc.array(samples, { maxLength: 3 }), (taken) => {
        const parameters = taken.map(({ type }, index) => ({ name: `p${index}`, type }))
        const any: Signature = { kind: 'function', parameters, result: null }
        const words = sampleArguments(any)
        fc.pre(words !== null)
        const written = (words ?? []).map((word) => ({
          name: word.slice(0, word.indexOf('=')),
          text: word.slice(word.indexOf('=') + 1),
        }))
        const values = readArguments('any', any, written)
        expect(values.every((value, index) => fits(value, parameters[index]?.type ?? null))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('comes with none where it takes what cannot be written by hand, or too much of it', () => {
    const taking = (type: WitShape): Signature => ({ ...signature, parameters: [{ name: 'it', type }] })
    expect(sampleArguments(taking({ kind: 'handle' }))).toBeNull()
    expect(sampleArguments(taking({ kind: 'option', item: { kind: 'handle' } }))).toEqual(['it=none'])
    const wide: WitShape = { kind: 'tuple', items: Array.from({ length: 400 }, () => u32) }
    expect(sampleArguments(taking(wide))).toBeNull()
  })
})
