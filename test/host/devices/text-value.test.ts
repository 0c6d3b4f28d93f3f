import { describe, expect, it } from 'vitest'
import { numberIn } from '../../../host/devices/sensors/text-value.ts'

describe('the number in a text', () => {
  it.each([
    ['41.2\n', 41.2],
    ['  -3e2 ', -300],
    ['+.5', 0.5],
    ['7.', 7],
    ['nan', NaN],
  ])('%j is %s', (text, value) => {
    expect(numberIn(text, undefined)).toBe(value)
  })

  it.each([
    ['', 'it wrote nothing'],
    ['41.2 lx', 'it wrote "41.2 lx", and no number'],
    ['0x10', 'it wrote "0x10", and no number'],
    ['Infinity', 'it wrote "Infinity", and no number'],
    ['1'.repeat(65), 'and no number'],
  ])('%j is none', (text, why) => {
    expect(() => numberIn(text, undefined)).toThrow(why)
  })

  it('is found in JSON by a pointer, also behind slashes and tildes, and where it is written as text', () => {
    const document = '{"a":[{"b":1},{"b":"2.5"}],"x/y":{"~":3},"":4}'
    expect(numberIn(document, '/a/0/b')).toBe(1)
    expect(numberIn(document, '/a/1/b')).toBe(2.5)
    expect(numberIn(document, '/x~1y/~0')).toBe(3)
    expect(numberIn(document, '/')).toBe(4)
    expect(numberIn('12', '')).toBe(12)
  })

  it.each([
    ['{"a":1}', '/b', 'at /b of its JSON is nothing, and no number'],
    ['{"a":{}}', '/a', 'at /a of its JSON is {}, and no number'],
    ['{"a":true}', '/a', 'at /a of its JSON is true, and no number'],
    ['{"a":1}', '/constructor', 'is nothing'],
    ['{"a":', '/a', 'it wrote no JSON'],
  ])('%s at %s is none', (text, pointer, why) => {
    expect(() => numberIn(text, pointer)).toThrow(why)
  })
})
