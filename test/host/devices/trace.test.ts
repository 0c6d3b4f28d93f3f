import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replayedValue } from '../../../host/devices/sensors/replay.ts'
import { readTrace, traceHeader, traceLimits, traceLine } from '../../../host/devices/trace.ts'

const read = (text: string, sensor: string | null = null) => {
  const { times, values, unit } = readTrace(text, sensor)
  return { times: [...times], values: [...values], unit }
}

describe('a trace', () => {
  it('is two columns of seconds and values where it does not say more', () => {
    expect(read('0,1\n0.5,2\n\n# a remark\n3,-4e2\n')).toEqual({
      times: [0, 500, 3_000],
      values: [1, 2, -400],
      unit: '',
    })
  })

  it('may have dates, or milliseconds since 1970, for times', () => {
    const dates = 'time,value\r\n2026-05-01T12:00:00Z,1\r\n2026-05-01T14:00:01.5+02:00,2\r\n'
    expect(read(dates).times).toEqual([1_777_636_800_000, 1_777_636_801_500])
    expect(read('1777636800000,1').times).toEqual([1_777_636_800_000])
  })

  it('of several sensors gives the rows of the one that is asked for', () => {
    const text = 'sensor,time,value,unit\nlight,0,1,lx\nheat,0,20,Cel\nlight,1,2,lx\n'
    expect(read(text, 'light')).toEqual({ times: [0, 1_000], values: [1, 2], unit: 'lx' })
    expect(read(text, 'heat')).toEqual({ times: [0], values: [20], unit: 'Cel' })
    expect(() => read(text, 'noise')).toThrow('there is no row of the sensor "noise" in it')
  })

  it.each([
    ['0,1\n1,x\n', 'line 2: "x" is no number'],
    ['0,1\n1,\n', 'line 2: "" is no number'],
    ['0,1\n1,NaN\n', 'line 2: "NaN" is no number'],
    ['0,1\nsoon,2\n', 'line 2: "soon" is no time; write seconds, or a date as 2026-05-01T12:00:00Z'],
    ['5,1\n4,2\n', 'line 2: its time is before that of the row before'],
    ['0,1\n1,2,3\n', 'line 2: it has 3 columns and not 2'],
    ['time,value,colour\n', 'line 1: there is no column "colour"'],
    ['time,unit\n', 'line 1: the column "value" is missing'],
    ['time,value,time\n', 'line 1: a column stands twice'],
    ['time,value,unit\n0,1,lx\n1,2,lm\n', 'line 3: its unit "lm" is not "lx" as before'],
    ['', 'there is no row in it'],
    [`0,${'1'.repeat(2_000)}\n`, 'line 1: it is too long'],
  ])('%j is refused with the line to blame', (text, why) => {
    expect(() => read(text)).toThrow(why)
  })

  it('has a bounded number of rows', () => {
    const text = '0,1\n'.repeat(traceLimits.rows + 1)
    expect(() => read(text)).toThrow(`line ${traceLimits.rows + 1}: a trace has at most`)
  })

  it('gives back what was written, whatever was read', () => {
    const reading = fc.record({
      stepMs: fc.integer({ min: 0, max: 100_000 }),
      value: fc.double({ noNaN: true, noDefaultInfinity: true }),
    })
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 50 }), (readings) => {
        let timeMs = 1_700_000_000_000
        const rows = readings.map(({ stepMs, value }) => ({
          timeMs: (timeMs += stepMs),
          value,
          sensor: 'light',
          unit: 'lx',
        }))
        const back = read(`${traceHeader}${rows.map(traceLine).join('')}`, 'light')
        expect(back.times).toEqual(rows.map((row) => row.timeMs))
        // Minus zero is written as zero.
        expect(back.values).toEqual(rows.map(({ value }) => value + 0))
        expect(back.unit).toBe('lx')
      }),
    )
  })
})

describe('the value at a moment of a trace', () => {
  const trace = readTrace('10,1\n11,2\n14,3\n', null)

  it('is that of the last row that is not later', () => {
    const at = (sinceMs: number): number => replayedValue(trace, sinceMs, false)
    expect([0, 999, 1_000, 3_999, 4_000, 9_000_000].map(at)).toEqual([1, 1, 2, 2, 3, 3])
  })

  it('begins again when the last row has lasted as long as the one before it', () => {
    const at = (sinceMs: number): number => replayedValue(trace, sinceMs, true)
    expect([4_000, 6_999, 7_000, 8_000, 14_000].map(at)).toEqual([3, 3, 1, 2, 1])
    expect(replayedValue(readTrace('0,5\n', null), 1e9, true)).toBe(5)
  })

  it('is always one of the trace, at any time', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e15, noNaN: true }), fc.boolean(), (sinceMs, loop) => {
        expect([1, 2, 3]).toContain(replayedValue(trace, sinceMs, loop))
      }),
    )
  })
})
