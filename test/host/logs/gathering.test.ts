/** One reader, several nodes: nothing twice, nothing of a node that was away forgotten, and liars bounded. */
import { describe, expect, it } from 'vitest'
import { silentLog, type Cancel } from '../../../core/index.ts'
import {
  gatherLogs,
  openJournal,
  type Journal,
  type LogEvent,
  type LogQuery,
} from '../../../host/logs/index.ts'
import type { LogPage, LogQuestion } from '../../../mesh/index.ts'
import { SeededRandom, VirtualClock } from '../../sim/index.ts'
import { MemoryDisk } from './memory-disk.ts'

const all = { sinceMs: null, level: null, text: null } as const
type Answer = (question: LogQuestion, signal: AbortSignal) => Promise<LogPage>

class World {
  readonly clock = new VirtualClock()
  readonly answers = new Map<string, Answer>()
  readonly away = new Set<string>()
  readonly events: LogEvent[] = []
  readonly ending = new AbortController()
  readonly #connected = new Set<(node: string) => void>()
  readonly #changed = new Set<() => void>()
  /** Where a line waits until somebody reads it. */
  isReading = true
  asked = 0

  async node(name: string): Promise<Journal> {
    const journal = await openJournal({
      disk: new MemoryDisk(),
      boot: 1,
      appBytes: 1 << 20,
      totalBytes: 1 << 20,
      clock: this.clock,
      log: silentLog,
    })
    this.answers.set(name, (question, signal) => journal.answer(question, signal))
    for (const changed of this.#changed) changed()
    return journal
  }

  say(journal: Journal, message: string, time = this.clock.now()): void {
    journal.append({ app: 'a', version: '1.0.0', level: 'info', context: '', message, time })
  }

  comeBack(name: string): void {
    this.away.delete(name)
    for (const connected of this.#connected) connected(name)
  }

  gather(query: Partial<LogQuery> = {}): Promise<void> {
    const listen =
      <Run>(set: Set<Run>) =>
      (run: Run): Cancel => {
        set.add(run)
        return () => void set.delete(run)
      }
    return gatherLogs(
      {
        clock: this.clock,
        random: new SeededRandom(1),
        nodes: () => [...this.answers.keys()].sort().map((name) => ({ id: name, name })),
        onChange: listen(this.#changed),
        onConnected: listen(this.#connected),
        ask: (node, question, signal) => this.#ask(node, question, signal),
      },
      { app: 'a', from: { tail: 50 }, filter: all, follow: false, ...query },
      async (event) => {
        this.events.push(event)
        while (!this.isReading) await new Promise<void>((resolve) => this.clock.after(10, resolve))
      },
      this.ending.signal,
    )
  }

  /** As over a line that may break while an answer waits. */
  async #ask(node: string, question: LogQuestion, signal: AbortSignal): Promise<LogPage> {
    this.asked += 1
    const broken = new AbortController()
    const watch = (): void => {
      if (this.away.has(node)) broken.abort(new Error('the line broke'))
      else if (!broken.signal.aborted) this.clock.after(50, watch)
    }
    const leave = (): void => broken.abort(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    watch()
    try {
      await new Promise<void>((resolve) => this.clock.after(2, resolve))
      broken.signal.throwIfAborted()
      return await (this.answers.get(node) as Answer)(question, broken.signal)
    } finally {
      broken.abort(new Error('answered'))
      signal.removeEventListener('abort', leave)
    }
  }

  get said(): string[] {
    return this.events.map((event) =>
      'line' in event ? `${event.node.name}: ${event.line.message}` : `${event.node.name} ${event.notice}`,
    )
  }
}

describe('logs of several nodes', () => {
  it('are one sequence in the order of their times, and end where they are not followed', async () => {
    const world = new World()
    const [a, b] = [await world.node('a'), await world.node('b')]
    for (const [journal, message] of [
      [a, 'one'],
      [b, 'two'],
      [a, 'three'],
    ] as const) {
      world.say(journal, message)
      await world.clock.run(10)
    }
    await world.clock.finish(world.gather(), 2_000)
    expect(world.said).toEqual(['a: one', 'b: two', 'a: three'])
  })

  it('a clock that is an hour behind is told from the times that it writes', async () => {
    const world = new World()
    const [a, b] = [await world.node('a'), await world.node('b')]
    const hour = 3_600_000
    const answer = world.answers.get('b') as Answer
    world.answers.set('b', async (question, signal) => {
      const page = await answer(question, signal)
      return { ...page, nowMs: page.nowMs - hour }
    })
    world.say(a, 'first')
    await world.clock.run(10)
    world.say(b, 'second', world.clock.now() - hour)
    await world.clock.run(10)
    world.say(a, 'third')
    await world.clock.finish(world.gather(), 2_000)
    expect(world.said).toEqual(['a: first', 'b: second', 'a: third'])
    expect(world.events.map((event) => ('line' in event ? event.behindMs : null))).toEqual([0, hour, 0])
  })

  it('a node that goes away is named once, and what it said meanwhile comes when it is back, nothing twice', async () => {
    const world = new World()
    const [a, b] = [await world.node('a'), await world.node('b')]
    const reading = world.gather({ follow: true })
    await world.clock.run(100)
    world.say(b, 'before')
    await world.clock.run(1_000)
    world.away.add('b')
    await world.clock.run(5_000)
    world.say(b, 'alone 1')
    world.say(a, 'still here')
    world.say(b, 'alone 2')
    await world.clock.run(60_000)
    expect(world.said).toEqual(['b: before', 'b away', 'a: still here'])
    world.comeBack('b')
    await world.clock.run(1_000)
    world.say(b, 'after')
    await world.clock.run(1_000)
    expect(world.said.slice(3)).toEqual(['b back', 'b: alone 1', 'b: alone 2', 'b: after'])
    world.ending.abort()
    await world.clock.finish(reading, 1_000)
  })

  it('a node that is not reached at all is named, and does not keep the others from being read', async () => {
    const world = new World()
    const a = await world.node('a')
    await world.node('b')
    world.answers.set(
      'b',
      () => new Promise((_, reject) => world.clock.after(5_000, () => reject(new Error('silent')))),
    )
    world.say(a, 'here')
    const reading = world.gather()
    await world.clock.run(1_600)
    expect(world.said).toEqual(['a: here'])
    await world.clock.finish(reading, 5_000)
    expect(world.said).toEqual(['a: here', 'b away'])
  })

  it('a node that begins to run the app is followed from then on', async () => {
    const world = new World()
    await world.node('a')
    const reading = world.gather({ follow: true })
    await world.clock.run(500)
    const late = await world.node('late')
    await world.clock.run(500)
    world.say(late, 'hello')
    await world.clock.run(1_000)
    expect(world.said).toEqual(['late: hello'])
    world.ending.abort()
    await world.clock.finish(reading, 1_000)
  })

  it('who does not read is not read for, and is told what was gone by then', async () => {
    const world = new World()
    const a = await world.node('a')
    const reading = world.gather({ follow: true, from: { after: 0 } })
    world.isReading = false
    for (let index = 0; index < 60; index += 1) {
      world.say(a, `${index} ${'x'.repeat(4_000)}`)
      await world.clock.run(100)
    }
    const asked = world.asked
    for (let index = 60; index < 1_000; index += 1) {
      world.say(a, `${index} ${'x'.repeat(4_000)}`)
      await world.clock.run(100)
    }
    expect(world.asked - asked).toBeLessThanOrEqual(1)
    world.isReading = true
    await world.clock.run(60_000)
    const lines = world.events.filter((event) => 'line' in event).length
    const missed = world.events.reduce((sum, event) => sum + ('count' in event ? event.count : 0), 0)
    expect(missed).toBeGreaterThan(0)
    expect(lines + missed).toBe(1_000)
    world.ending.abort()
    await world.clock.finish(reading, 1_000)
  })

  it('a node without end does not keep the others from being heard, whatever its times say', async () => {
    const world = new World()
    const a = await world.node('a')
    let seq = 0
    world.answers.set('liar', async () => ({
      lines: Array.from({ length: 500 }, () => ({
        seq: ++seq,
        time: 0,
        level: 'info' as const,
        version: '1.0.0',
        context: '',
        message: 'x'.repeat(80),
      })),
      cursor: seq,
      missed: 0,
      more: true,
      nowMs: world.clock.now(),
    }))
    const reading = world.gather({ follow: true })
    await world.clock.run(61_000)
    world.say(a, 'heard')
    await world.clock.run(2_000)
    expect(world.said).toContain('a: heard')
    world.ending.abort()
    await world.clock.finish(reading, 1_000)
  })

  it('a node that answers without lines, over and over, is not asked over and over', async () => {
    const world = new World()
    world.answers.set('liar', async () => ({ lines: [], cursor: 0, missed: 0, more: false, nowMs: 0 }))
    const reading = world.gather({ follow: true })
    await world.clock.run(10_000)
    expect(world.asked).toBeLessThan(16)
    world.ending.abort()
    await world.clock.finish(reading, 1_000)
  })

  it('of very many nodes the first are read, and it is said how many are not', async () => {
    const world = new World()
    for (let index = 0; index < 130; index += 1)
      world.answers.set(`n${String(index).padStart(3, '0')}`, async () => ({
        lines: [],
        cursor: 0,
        missed: 0,
        more: false,
        nowMs: world.clock.now(),
      }))
    await world.clock.finish(world.gather(), 2_000)
    expect(world.events).toEqual([{ node: { id: 'n128', name: 'n128' }, notice: 'left-out', count: 2 }])
    expect(world.asked).toBe(128)
  })
})
