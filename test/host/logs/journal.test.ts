/** What apps say, kept on the disk: together, within bounds, found again, and read on from where a reader was. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { silentLog, type LogLevel } from '../../../core/index.ts'
import { openJournal, type Journal } from '../../../host/logs/index.ts'
import { logLimits } from '../../../host/logs/limits.ts'
import { encodeLine, readSegment } from '../../../host/logs/segment.ts'
import type { LogFilter, LogPage, LogStart } from '../../../mesh/index.ts'
import { VirtualClock } from '../../sim/index.ts'
import { MemoryDisk } from './memory-disk.ts'

const all: LogFilter = { sinceMs: null, level: null, text: null }
const never = new AbortController().signal

class Bench {
  readonly clock = new VirtualClock()
  readonly disk = new MemoryDisk()
  boot = 0
  journal!: Journal

  /** As after a clean stop, or a kill where the one before was not closed. */
  async start(sizes: { appBytes?: number; totalBytes?: number } = {}): Promise<this> {
    this.boot += 1
    this.journal = await openJournal({
      disk: this.disk,
      boot: this.boot,
      appBytes: 1 << 20,
      totalBytes: 8 << 20,
      clock: this.clock,
      log: silentLog,
      ...sizes,
    })
    return this
  }

  say(message: string, { app = 'a', level = 'info' as LogLevel, context = '' } = {}): void {
    this.journal.append({ app, version: '1.0.0', level, context, message, time: this.clock.now() })
  }

  read(from: LogStart, filter: Partial<LogFilter> = {}, app = 'a', waitMs = 0): Promise<LogPage> {
    return this.journal.answer({ app, from, filter: { ...all, ...filter }, waitMs }, never)
  }

  async messages(from: LogStart, filter: Partial<LogFilter> = {}): Promise<string[]> {
    const messages: string[] = []
    for (let page = await this.read(from, filter); ; page = await this.read({ after: page.cursor }, filter)) {
      messages.push(...page.lines.map(({ message }) => message))
      if (!page.more) return messages
    }
  }
}

describe('writing', () => {
  it('lines of all apps that came within seconds are one addition to each, and silence writes nothing', async () => {
    const bench = await new Bench().start()
    for (let index = 0; index < 100; index += 1) {
      bench.say(`line ${index}`, { app: index % 2 === 0 ? 'a' : 'b' })
      await bench.clock.run(30)
    }
    expect(bench.disk.appends).toBe(0)
    await bench.clock.run(logLimits.flushMs)
    expect(bench.disk.appends).toBe(2)
    await bench.clock.run(3_600_000)
    expect(bench.disk.appends).toBe(2)
  })

  it('does not wait where there is much to write', async () => {
    const bench = await new Bench().start()
    for (let index = 0; index < 20; index += 1) bench.say('x'.repeat(4_000))
    await bench.clock.run(1)
    expect(bench.disk.bytes).toBeGreaterThan(logLimits.flushBytes)
  })

  it('a kill costs the lines of the last seconds and no other', async () => {
    const bench = await new Bench().start()
    bench.say('written')
    await bench.clock.run(logLimits.flushMs)
    bench.say('not written')
    await bench.start()
    expect(await bench.messages({ after: 0 })).toEqual(['written'])
    bench.say('after')
    await bench.journal.close()
    await bench.start()
    expect(await bench.messages({ after: 0 })).toEqual(['written', 'after'])
  })

  it('each app has a ring, whose oldest part makes room', async () => {
    const bench = await new Bench().start({ appBytes: 512 * 1024 })
    for (let index = 0; index < 400; index += 1) {
      bench.say(`${index} ${'x'.repeat(4_000)}`)
      if (index % 20 === 0) await bench.journal.flush()
    }
    await bench.journal.flush()
    expect(bench.disk.bytes).toBeLessThanOrEqual(512 * 1024)
    expect(bench.disk.bytes).toBeGreaterThan(256 * 1024)
    const kept = await bench.messages({ after: 0 })
    expect(kept.at(-1)).toMatch(/^399 /)
    expect(kept[0]).not.toMatch(/^0 /)
    const first = (await bench.read({ after: 0 })).lines[0]
    expect(first).toBeDefined()
    // Who had read the third line has missed those up to the first that is left.
    expect(await bench.read({ after: 1_000_000_003 })).toMatchObject({
      missed: (first?.seq ?? 0) - 1_000_000_004,
    })
  })

  it('all apps together are bounded, and the one with the most makes room, also one that is no more', async () => {
    const bench = await new Bench().start({ totalBytes: 768 * 1024 })
    const talk = async (app: string, count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) {
        bench.say('x'.repeat(4_000), { app })
        if (index % 20 === 0) await bench.journal.flush()
      }
      await bench.journal.flush()
    }
    await talk('gone', 160)
    await talk('quiet', 1)
    await talk('a', 80)
    expect(bench.disk.bytes).toBeLessThanOrEqual(768 * 1024)
    expect((await bench.read({ after: 0 }, {}, 'quiet')).lines).toHaveLength(1)
    expect((await bench.read({ after: 0 }, {}, 'gone')).lines.length).toBeGreaterThan(0)
  })

  it('an app whose folder takes nothing costs the others neither lines nor time, and room is made all the same', async () => {
    const bench = await new Bench().start({ totalBytes: 256 * 1024 })
    bench.disk.brokenApp = 'a'
    bench.say('kept in memory', { app: 'a' })
    bench.say('written', { app: 'b' })
    await bench.clock.run(logLimits.flushMs)
    expect(bench.journal.problem).toContain('read-only folder')
    for (let index = 0; index < 100; index += 1) bench.say('x'.repeat(4_000), { app: 'b' })
    await bench.clock.run(logLimits.flushMs)
    expect([...bench.disk.files.keys()].every((path) => path.startsWith('b/'))).toBe(true)
    expect(bench.disk.bytes).toBeGreaterThan(64 * 1024)
    expect(bench.disk.bytes).toBeLessThanOrEqual(256 * 1024)
    bench.disk.brokenApp = null
    await bench.clock.run(logLimits.retryMs)
    expect(bench.journal.problem).toBeNull()
    await bench.start()
    expect(await bench.messages({ after: 0 })).toEqual(['kept in memory'])
  })

  it('what is said while a disk that failed is tried again is written soon', async () => {
    const bench = await new Bench().start()
    bench.disk.brokenApp = 'a'
    bench.say('first')
    await bench.journal.flush()
    bench.disk.brokenApp = null
    const trying = bench.journal.flush()
    for (let turn = 0; turn < 3; turn += 1) await Promise.resolve()
    bench.say('second')
    await trying
    await bench.clock.run(logLimits.flushMs)
    await bench.start()
    expect(await bench.messages({ after: 0 })).toEqual(['first', 'second'])
  })

  it('of many apps with one file each those lose it that are silent, and the bound holds', async () => {
    const bench = await new Bench().start()
    for (let app = 0; app < 20; app += 1)
      for (let index = 0; index < 10; index += 1) bench.say('x'.repeat(4_000), { app: `gone-${app}` })
    bench.say('here before', { app: 'a' })
    await bench.journal.close()
    await bench.start({ totalBytes: 256 * 1024 })
    bench.say('here')
    await bench.journal.flush()
    expect(bench.disk.bytes).toBeLessThanOrEqual(256 * 1024)
    expect(bench.disk.bytes).toBeGreaterThan(128 * 1024)
    expect(bench.journal.bytes).toBe(bench.disk.bytes)
    expect(await bench.messages({ after: 0 })).toEqual(['here before', 'here'])
  })

  it('what came to the disk of an addition that failed is counted', async () => {
    const bench = await new Bench().start()
    bench.disk.failsAfter = 25
    bench.say('first')
    await bench.journal.flush()
    expect(bench.journal.bytes).toBe(25)
    await bench.journal.flush()
    expect(bench.journal.bytes).toBe(bench.disk.bytes)
  })

  it('a full disk keeps the newest in memory, is said, and is caught up with', async () => {
    const bench = await new Bench().start()
    bench.say('before')
    await bench.journal.flush()
    bench.disk.failsAfter = 25
    bench.say('first')
    bench.say('second')
    await bench.journal.flush()
    expect(bench.journal.problem).toContain('no space')
    expect(await bench.messages({ after: 0 })).toEqual(['before', 'first', 'second'])
    bench.disk.failsAfter = null
    bench.say('third')
    await bench.clock.run(logLimits.retryMs)
    expect(bench.journal.problem).toBeNull()
    await bench.start()
    // What was written in part the first time is there once.
    expect(await bench.messages({ after: 0 })).toEqual(['before', 'first', 'second', 'third'])
  })

  it('a disk that takes nothing for long costs a bounded memory, and the loss can be seen', async () => {
    const bench = await new Bench().start()
    bench.disk.failsAfter = 0
    for (let index = 0; index < 1_000; index += 1) bench.say(`${index} ${'x'.repeat(4_000)}`)
    await bench.journal.flush()
    const kept = await bench.messages({ after: 0 })
    expect(kept.length * 4_000).toBeLessThanOrEqual(logLimits.waitingBytes)
    expect(kept.at(-1)).toMatch(/^999 /)
    expect((await bench.read({ after: 1_000_000_001 })).missed).toBe(1_000 - kept.length - 1)
  })
})

describe('files', () => {
  it('a torn or altered line is left out, and those around it are read', () => {
    const lines = [1, 2, 3, 4].map((seq) => ({
      seq,
      time: 5,
      level: 'info' as const,
      version: '1.0.0',
      context: '',
      message: `line ${seq}`,
    }))
    const whole = Buffer.from(lines.map(encodeLine).join(''))
    expect(readSegment(whole)).toEqual({ lines, damaged: 0 })
    const altered = Buffer.from(whole)
    altered.write('3', whole.indexOf('line 2') + 5)
    expect(readSegment(altered)).toEqual({ lines: [lines[0], lines[2], lines[3]], damaged: 1 })
    expect(readSegment(whole.subarray(0, -9)).lines).toEqual(lines.slice(0, 3))
  })

  it('any bytes at all are read without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(readSegment(bytes).lines).toEqual([])
      }),
    )
  })

  it('numbers grow though the node lost count of its starts', async () => {
    const bench = await new Bench().start()
    bench.boot = 7
    await bench.start()
    bench.say('late start')
    await bench.journal.close()
    bench.boot = 0
    await bench.start()
    bench.say('early start')
    expect(await bench.messages({ after: 0 })).toEqual(['late start', 'early start'])
  })
})

describe('reading', () => {
  it('finds by age, level and text, on the disk and in memory alike', async () => {
    const bench = await new Bench().start()
    bench.say('Pump on', { level: 'warn' })
    bench.say('tank empty', { context: 'PUMP' })
    await bench.journal.flush()
    await bench.start()
    await bench.clock.run(60_000)
    bench.say('pump off', { level: 'error' })
    expect(await bench.messages({ after: 0 }, { text: 'pump' })).toEqual([
      'Pump on',
      'tank empty',
      'pump off',
    ])
    expect(await bench.messages({ after: 0 }, { level: 'warn' })).toEqual(['Pump on', 'pump off'])
    expect(await bench.messages({ after: 0 }, { sinceMs: 30_000 })).toEqual(['pump off'])
    expect(await bench.messages({ tail: 2 }, { level: 'warn', text: 'PUMP' })).toEqual([
      'Pump on',
      'pump off',
    ])
    expect(await bench.messages({ tail: 1 }, { level: 'warn' })).toEqual(['pump off'])
    expect(await bench.messages({ tail: 0 })).toEqual([])
  })

  it('asks before each file that is looked through for what is not there', async () => {
    const bench = await new Bench().start()
    for (let index = 0; index < 300; index += 1) {
      bench.say('x'.repeat(2_000))
      if (index % 20 === 0) await bench.journal.flush()
    }
    await bench.journal.flush()
    const question = { app: 'a', from: { tail: 5 }, filter: { ...all, text: 'nothing' }, waitMs: 0 }
    const asked: number[] = []
    const charge = async (bytes: number): Promise<void> => void asked.push(bytes)
    const { lines } = await bench.journal.answer(question, never, charge)
    expect(lines).toEqual([])
    const whole = asked.reduce((sum, bytes) => sum + bytes, 0)
    expect(whole).toBeGreaterThanOrEqual(bench.disk.bytes)
    expect(Math.max(...asked)).toBeLessThan(whole / 2)
    // Whoever is refused has nothing more looked through.
    const refused = bench.journal.answer(question, never, async () => {
      throw new Error('enough')
    })
    await expect(refused).rejects.toThrow('enough')
  })

  it('a question waits for a line that is wanted, takes those that come with it, and ends with its time', async () => {
    const bench = await new Bench().start()
    const waiting = bench.read({ tail: 0 }, { level: 'warn' }, 'a', 20_000)
    await bench.clock.run(1_000)
    bench.say('no')
    await bench.clock.run(1_000)
    bench.say('yes', { level: 'warn' })
    await bench.clock.run(50)
    bench.say('and this', { level: 'warn' })
    const page = await bench.clock.finish(waiting, 1_000)
    expect(page.lines.map(({ message }) => message)).toEqual(['yes', 'and this'])
    const empty = await bench.clock.finish(bench.read({ after: page.cursor }, {}, 'a', 5_000), 6_000)
    expect(empty).toMatchObject({ lines: [], more: false, missed: 0, cursor: page.cursor })
  })

  it('whoever leaves is waited for no more', async () => {
    const bench = await new Bench().start()
    const leaving = new AbortController()
    const waiting = bench.journal.answer(
      { app: 'a', from: { after: 0 }, filter: all, waitMs: 20_000 },
      leaving.signal,
    )
    leaving.abort(new Error('left'))
    await expect(waiting).rejects.toThrow('left')
  })

  it('a place that nobody gave out is none of harm', async () => {
    const bench = await new Bench().start()
    bench.say('one')
    await bench.journal.flush()
    for (const after of [1, 999_999_999, 5_000_000_000, Number.MAX_SAFE_INTEGER]) {
      const page = await bench.read({ after })
      expect(page.more).toBe(false)
      expect(page.lines.length).toBeLessThanOrEqual(1)
    }
    expect((await bench.read({ after: 0 }, {}, 'never-heard-of')).lines).toEqual([])
  })

  it('who reads on gets each line that was written once and in order, over stops, kills and a full disk', async () => {
    const acts = fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ act: fc.constant('say' as const), count: fc.integer({ min: 1, max: 40 }) }),
        },
        { weight: 3, arbitrary: fc.record({ act: fc.constantFrom('flush', 'read', 'full', 'free') }) },
        { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('stop', 'kill') }) },
      ),
      { maxLength: 40 },
    )
    await fc.assert(
      fc.asyncProperty(acts, async (list) => {
        const bench = await new Bench().start()
        let said = 0
        let cursor = 0
        const seen: number[] = []
        /** Lines that a kill took along before anybody saw them. */
        const lost = new Set<number>()
        let isFull = false
        let written = 0
        const read = async (): Promise<void> => {
          for (;;) {
            const page = await bench.read({ after: cursor })
            seen.push(...page.lines.map(({ message }) => Number(message.split(' ')[0])))
            cursor = page.cursor
            if (!page.more) return
          }
        }
        for (const step of list) {
          if (step.act === 'say')
            for (let index = 0; index < step.count; index += 1) bench.say(`${said++} ${'x'.repeat(50)}`)
          if (step.act === 'full') isFull = true
          if (step.act === 'free') isFull = false
          bench.disk.failsAfter = isFull ? said % 700 : null
          if (step.act === 'flush' || step.act === 'stop') {
            await bench.journal.flush()
            if (!isFull) written = said
          }
          if (step.act === 'read') await read()
          if (step.act === 'stop' || step.act === 'kill') {
            for (let each = written; each < said; each += 1) lost.add(each)
            await bench.start()
          }
        }
        await read()
        expect(seen).toEqual([...seen].sort((a, b) => a - b))
        expect(new Set(seen).size).toBe(seen.length)
        const missing = Array.from({ length: said }, (_, index) => index).filter(
          (each) => !seen.includes(each) && !lost.has(each),
        )
        expect(missing).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})
