import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { printedValue, readArgument, readCoreArguments } from '../../../host/run/invocation.ts'

test.each([
  ['12', 12],
  ['-1.5', -1.5],
  ['true', true],
  ['hello', 'hello'],
  ['"12"', '12'],
  ['[1, "a"]', [1, 'a']],
  ['{"a": {"tag": "x"}}', { a: { tag: 'x' } }],
  ['7n', 7n],
  ['18446744073709551615', 18446744073709551615n],
  ['', ''],
])('%s is read as a value', (text, value) => {
  expect(readArgument(text)).toEqual(value)
})

test.each([
  ['text', 'text'],
  [18446744073709551615n, '18446744073709551615'],
  [Uint8Array.of(1, 2), '[1,2]'],
  [{ id: 5n, name: 'a' }, '{"id":5,"name":"a"}'],
])('%s is shown', (value, text) => {
  expect(printedValue(value)).toBe(text)
})

test('what is shown is read as the same value', () => {
  const value = fc.jsonValue().filter((item) => typeof item !== 'string' && !Object.is(item, -0))
  fc.assert(
    fc.property(value, (item) => {
      const text = printedValue(item)
      if (/^-?\d{16,}$/.test(text)) return
      expect(readArgument(text)).toEqual(JSON.parse(JSON.stringify(item)))
    }),
  )
})

test.each([
  ['i32', '-2147483648', -2147483648],
  ['i32', '4294967295', 4294967295],
  ['i32', '0xff', 255],
  ['i64', '7', 7n],
  ['i64', '-9223372036854775808', -9223372036854775808n],
  ['i64', '18446744073709551615', 18446744073709551615n],
  ['f32', '1.5', 1.5],
  ['f64', '-1e300', -1e300],
  ['f64', 'inf', Infinity],
  ['f64', 'nan', NaN],
] as const)('an %s of a core module is read from %s', (type, text, value) => {
  expect(readCoreArguments('f', [text], [type])).toEqual([value])
})

test.each([
  ['i32', 'x'],
  ['i32', ''],
  ['i32', '1.5'],
  ['i32', '4294967296'],
  ['i32', '-2147483649'],
  ['i64', '18446744073709551616'],
  ['f64', 'x'],
  ['f64', ' '],
  ['f32', 'null'],
] as const)('an %s of a core module is not read from %j', (type, text) => {
  expect(() => readCoreArguments('f', ['1', text], ['i32', type])).toThrow(
    expect.objectContaining({
      code: 'ERR_RUN_ARGUMENTS',
      message: `argument 2 of f is an ${type}, which ${JSON.stringify(text)} is not`,
    }),
  )
})

test.each([
  [['i32', 'f64'], ['1'], 'f takes (i32, f64), and was given 1'],
  [[], ['1'], 'f takes no arguments, and was given 1'],
] as const)('as many as there are parameters are needed: %j', (parameters, texts, message) => {
  expect(() => readCoreArguments('f', texts, parameters)).toThrow(expect.objectContaining({ message }))
})
