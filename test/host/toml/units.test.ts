import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { parseDuration, parseSize } from '../../../host/toml/index.ts'

describe('a duration', () => {
  it.each([
    ['200ms', 200],
    ['1s', 1000],
    ['1.5s', 1500],
    [' 5 min ', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0s', 0],
  ])('of %j is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms))

  it.each(['', '200', 'ms', '1 year', '-1s', '1e3s', '1.s', '1,5s', '9999999999999d', '1s 2ms', '1S'])(
    'is not read from %j',
    (text) => expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'ERR_UNIT' })),
  )

  it('says what is wrong and what to write', () => {
    expect(() => parseDuration('200')).toThrow(
      expect.objectContaining({
        message: '"200" is no duration: it has no unit',
        hint: 'write a number and its unit: 200ms, 1.5s, 5min, 2h or 1d',
      }),
    )
  })

  it('comes back from every whole number of milliseconds', () => {
    fc.assert(fc.property(fc.nat(), (ms) => parseDuration(`${ms}ms`) === ms))
  })
})

describe('a size', () => {
  it.each([
    ['512 B', 512],
    ['64 KiB', 65_536],
    ['1MiB', 1_048_576],
    ['0.5 GiB', 536_870_912],
    ['64 kB', 64_000],
    ['2 GB', 2_000_000_000],
  ])('of %j is %d bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes))

  it.each(['1 mb', '1', 'KiB', '1 TiB', '1s'])('is not read from %j', (text) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'ERR_UNIT' }))
  })
})
