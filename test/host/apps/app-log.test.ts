import { describe, expect, it } from 'vitest'
import { AppLog, maxMessageLength } from '../../../host/apps/app-log.ts'
import { FakeClock } from '../fake-clock.ts'

const line = { app: 'light-alarm', version: '1.0.0', level: 'info', context: 'rule', message: 'lit' } as const

function logOf(limits = { lines: 100, linesPerSecond: 500 }) {
  const clock = new FakeClock()
  return { clock, log: new AppLog(clock, limits) }
}

describe('the apps’ log', () => {
  it('numbers lines from 1 and reads on from any of them', () => {
    const { log, clock } = logOf()
    for (let i = 1; i <= 5; i += 1) log.add({ ...line, message: `line ${i}` })
    const { lines, cursor, missed } = log.read(null, 3, 100)
    expect(lines.map(({ seq, message, time }) => [seq, message, time])).toEqual([
      [4, 'line 4', clock.now()],
      [5, 'line 5', clock.now()],
    ])
    expect({ cursor, missed }).toEqual({ cursor: 5, missed: 0 })
    expect(log.read(null, cursor, 100)).toEqual({ lines: [], cursor: 5, missed: 0 })
  })

  it('reads one app alone, and says how far it looked', () => {
    const { log } = logOf()
    for (const app of ['a', 'b', 'a', 'b', 'b']) log.add({ ...line, app })
    expect(log.read('a', 0, 1)).toMatchObject({ lines: [{ seq: 1 }], cursor: 1 })
    expect(log.read('a', 1, 10)).toMatchObject({ lines: [{ seq: 3 }], cursor: 5 })
    expect(log.tail('b', 2).map(({ seq }) => seq)).toEqual([4, 5])
  })

  it('keeps the newest lines and tells a slow reader what it missed', () => {
    const { log } = logOf({ lines: 100, linesPerSecond: 10_000 })
    for (let i = 1; i <= 1_234; i += 1) log.add({ ...line, message: `line ${i}` })
    const { lines, missed } = log.read(null, 1_000, 1_000)
    expect(lines).toHaveLength(100)
    expect(lines[0]).toMatchObject({ seq: 1_135, message: 'line 1135' })
    expect(missed).toBe(134)
    expect(log.tail(null, 3).map(({ seq }) => seq)).toEqual([1_232, 1_233, 1_234])
  })

  it('drops what one app says beyond its rate, counts it in one line, and lets others speak', async () => {
    const { log, clock } = logOf({ lines: 10_000, linesPerSecond: 50 })
    for (let i = 0; i < 500; i += 1) log.add({ ...line, app: 'loop' })
    log.add({ ...line, app: 'calm' })
    expect(log.read('loop', 0, 1_000).lines).toHaveLength(50)
    expect(log.read('calm', 0, 1_000).lines).toHaveLength(1)
    await clock.advance(1_000)
    const lines = log.read('loop', 0, 1_000).lines
    expect(lines).toHaveLength(51)
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      context: 'node',
      message: '450 lines dropped: more than 50 in a second',
    })
    log.add({ ...line, app: 'loop', message: 'again' })
    expect(log.tail('loop', 1)).toMatchObject([{ message: 'again' }])
  })

  it('cuts long messages and keeps escape sequences from anybody’s terminal', () => {
    const { log } = logOf()
    log.add({ ...line, message: 'x'.repeat(100_000), context: '\u001b[31mred\u0007' })
    const [added] = log.tail(null, 1)
    expect(added?.message).toHaveLength(maxMessageLength)
    expect(added?.message.endsWith('…')).toBe(true)
    expect(added?.context).toBe('\ufffd[31mred\ufffd')
  })

  it('is bounded in characters as well as in lines', () => {
    const { log } = logOf({ lines: 10_000, linesPerSecond: 10_000 })
    for (let i = 0; i < 4_000; i += 1) log.add({ ...line, message: 'x'.repeat(maxMessageLength) })
    const kept = log.tail(null, 10_000)
    expect(kept.length).toBeGreaterThan(1_000)
    expect(kept.length * maxMessageLength).toBeLessThanOrEqual(8_000_000)
  })

  it('wakes whoever follows, until they stop', () => {
    const { log } = logOf()
    let woken = 0
    const cancel = log.onAppend(() => (woken += 1))
    log.add(line)
    cancel()
    log.add(line)
    expect(woken).toBe(1)
  })
})
