import { expect, test } from 'vitest'
import type { Signature, WitShape } from '../../../host/engine/index.ts'
import { readWitArguments } from '../../../host/run/wit-arguments.ts'

const taking = (...types: (WitShape | null)[]): Signature => ({
  kind: 'function',
  parameters: types.map((type, index) => ({ name: 'abc'[index] ?? 'x', type })),
  result: { kind: 'bool' },
})
const point: WitShape = {
  kind: 'record',
  members: [
    { name: 'x-at', type: { kind: 's32' } },
    { name: 'label', type: { kind: 'option', item: { kind: 'string' } } },
  ],
}
const shape: WitShape = {
  kind: 'variant',
  members: [
    { name: 'dot', type: null },
    { name: 'at', type: point },
  ],
}
const level: WitShape = { kind: 'enum', names: ['low', 'high'] }
const bytes: WitShape = { kind: 'list', item: { kind: 'u8' } }
const pair: WitShape = { kind: 'tuple', items: [{ kind: 'u8' }, { kind: 'bool' }] }
const outcome: WitShape = { kind: 'result', ok: { kind: 'u8' }, err: null }

test.each([
  [{ kind: 'u32' }, '7', 7],
  [{ kind: 'u32' }, '7n', 7],
  [{ kind: 's8' }, '-128', -128],
  [{ kind: 'u64' }, '18446744073709551615', 18446744073709551615n],
  [{ kind: 's64' }, '-5', -5n],
  [{ kind: 'f32' }, '1.5', 1.5],
  [{ kind: 'bool' }, 'true', true],
  [{ kind: 'string' }, 'true', 'true'],
  [{ kind: 'string' }, '12', '12'],
  [{ kind: 'string' }, '"12"', '12'],
  [{ kind: 'string' }, '', ''],
  [{ kind: 'char' }, '7', '7'],
  [level, 'high', 'high'],
  [bytes, '[1, 2]', [1, 2]],
  [pair, '[1, true]', [1, true]],
  [outcome, '{"tag": "ok", "val": 1}', { tag: 'ok', val: 1 }],
  [point, '{"xAt": 1}', { xAt: 1 }],
  [shape, '{"tag": "at", "val": {"xAt": 1, "label": "a"}}', { tag: 'at', val: { xAt: 1, label: 'a' } }],
  [shape, '{"tag": "dot"}', { tag: 'dot' }],
  [null, '{"what": "ever"}', { what: 'ever' }],
] as const)('%j is given as %s', (type, text, value) => {
  expect(readWitArguments('f', [text], taking(type as WitShape | null))).toEqual([value])
})

test.each([
  [{ kind: 'u32' }, 'abc', 'a u32'],
  [{ kind: 'u32' }, '-1', 'a u32'],
  [{ kind: 'u8' }, '256', 'a u8'],
  [{ kind: 's16' }, '1.5', 'an s16'],
  [{ kind: 'u64' }, '18446744073709551616', 'a u64'],
  [{ kind: 'f64' }, 'x', 'an f64'],
  [{ kind: 'bool' }, '1', 'a bool'],
  [{ kind: 'char' }, 'ab', 'a char'],
  [level, 'middle', 'an enum { low, high }'],
  [bytes, '[1, 300]', 'a list<u8>'],
  [bytes, 'abc', 'a list<u8>'],
  [pair, '[1]', 'a tuple<u8, bool>'],
  [outcome, '{"tag": "fine"}', 'a result<u8>'],
  [point, '{"x-at": 1}', 'a record { x-at: s32, label: option<string> }'],
  [shape, '{"tag": "line"}', 'a variant { dot, at: record { x-at: s32, label: option<string> } }'],
] as const)('%j is not given as %s', (type, text, what) => {
  const signature = taking({ kind: 'bool' }, type as WitShape)
  expect(() => readWitArguments('own:package/inner@1.0.0#f', ['true', text], signature)).toThrow(
    expect.objectContaining({
      code: 'ERR_RUN_ARGUMENTS',
      message: `argument 2 of own:package/inner@1.0.0#f, b, is ${what}, which ${JSON.stringify(text)} is not`,
      hint: expect.stringMatching(
        /^own:package\/inner@1\.0\.0#f is func\(a: bool, b: .*\) -> bool; write/,
      ) as string,
    }),
  )
})

test.each([
  [[{ kind: 'u32' }, level], ['1'], 'f takes (a: u32, b: enum { low, high }), and was given 1'],
  [[], ['1', '2'], 'f takes no arguments, and was given 2'],
] as const)('as many as there are parameters are needed: %j', (types, texts, message) => {
  expect(() => readWitArguments('f', texts, taking(...(types as readonly WitShape[])))).toThrow(
    expect.objectContaining({ message }),
  )
})

test('a type that is nested without end is shown and looked into to an end', () => {
  let type: WitShape = { kind: 'u8' }
  for (let depth = 0; depth < 20_000; depth++) type = { kind: 'tuple', items: [type, type] }
  expect(() => readWitArguments('f', ['x'], taking(type))).toThrow(/is a tuple<tuple<.*…/)
})
