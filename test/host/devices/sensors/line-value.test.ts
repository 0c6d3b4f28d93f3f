import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineCutter } from '../../../../host/devices/line-cutter.ts'
import { valueIn } from '../../../../host/devices/sensors/line-value.ts'

const rule = (pattern: RegExp | null, pointer: string | null = null): Parameters<typeof valueIn>[1] => ({
  pattern,
  pointer,
})

describe('a value in a line', () => {
  it('is the whole line, the first group of a pattern, or a place in JSON', () => {
    expect(valueIn(' 21.5 ', rule(null))).toBe(21.5)
    expect(valueIn('T=21.5C H=40', rule(/T=([\d.]+)/))).toBe(21.5)
    expect(valueIn('a 7', rule(/a (\d)|b (\d)/))).toBe(7)
    expect(valueIn('b 8', rule(/a (\d)|b (\d)/))).toBe(8)
    expect(valueIn('42', rule(/\d+/))).toBe(42)
    expect(valueIn('{"a":{"b/c":[0,-1.5]}}', rule(null, '/a/b~1c/1'))).toBe(-1.5)
    expect(valueIn('{"t":"21.5"}', rule(null, '/t'))).toBe(21.5)
  })

  it('is none in any other line', () => {
    for (const line of ['', 'hello', 'NaN', '1e999', '0x10', '1,5', '1 2'])
      expect(valueIn(line, rule(null))).toBeNull()
    expect(valueIn('T=hot', rule(/T=(\w+)/))).toBeNull()
    for (const line of ['{', '[]', 'null', '{"t":null}', '{"t":{}}', '{"t":1e999}', '"x"'])
      expect(valueIn(line, rule(null, '/t'))).toBeNull()
    expect(valueIn('{}', rule(null, '/__proto__/x'))).toBeNull()
  })

  it('is finite or none, whatever the line', () => {
    const line = fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.json(), fc.double().map(String))
    fc.assert(
      fc.property(
        line,
        fc.constantFrom(rule(null), rule(/(.+)/), rule(null, '/0'), rule(null, '/a/b')),
        (text, how) => {
          expect(Number.isFinite(valueIn(text, how) ?? 0)).toBe(true)
        },
      ),
    )
  })
})

describe('lines of a stream', () => {
  it('are the same however the bytes are cut', () => {
    const text = fc
      .array(fc.constantFrom('a', 'ü', '\n', '\r\n', 'xyz', '12'), { maxLength: 60 })
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 7 })), (whole, cuts) => {
        const bytes = new TextEncoder().encode(`${whole}\n`)
        const cutter = new LineCutter(1_000)
        const lines: string[] = []
        let at = 0
        for (const length of [...cuts, bytes.length]) {
          lines.push(...cutter.add(bytes.subarray(at, at + length)))
          at = Math.min(bytes.length, at + length)
        }
        expect(lines).toEqual(whole.split(/\r?\n/).filter((line) => line !== ''))
      }),
    )
  })

  it('are dropped to their end where they are too long, and counted', () => {
    const cutter = new LineCutter(10)
    const add = (text: string): string[] => cutter.add(new TextEncoder().encode(text))
    expect(add('x'.repeat(100))).toEqual([])
    expect(add('x'.repeat(100))).toEqual([])
    expect(add('yz\nnext\n')).toEqual(['next'])
    expect(cutter.dropped).toBe(1)
  })
})
