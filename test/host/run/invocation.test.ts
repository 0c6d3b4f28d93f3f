import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { printedValue, readArgument } from '../../../host/run/invocation.ts'

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
