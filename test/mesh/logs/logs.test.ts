/** Pages of logs between two nodes over the virtual network, and peers that mean harm. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor, logLevels } from '../../../core/index.ts'
import { CallExchange } from '../../../mesh/calls/index.ts'
import {
  LogExchange,
  logsProtocol,
  logWireLimits as limits,
  type KeptLine,
  type LogPage,
  type LogQuestion,
} from '../../../mesh/logs/index.ts'
import { decodePage, encodePage, lineBytes } from '../../../mesh/logs/page.ts'
import { decodeQuestion, encodeQuestion } from '../../../mesh/logs/question.ts'
import { SeededRandom, SimNetwork, VirtualClock, type SimTransport } from '../../sim/index.ts'
import { testLog } from '../transport/nodes.ts'

const text = (maxLength: number) => fc.string({ maxLength, unit: fc.constantFrom(...'ab c/é漢\n😀') })
/** That a release may have. */
const longestVersion = `999999999.999999999.999999999-${'r'.repeat(32)}+${'b'.repeat(32)}`
const line: fc.Arbitrary<Omit<KeptLine, 'seq'>> = fc.record({
  time: fc.nat(8.64e15),
  level: fc.constantFrom(...logLevels),
  version: fc.constantFrom('1.0.0', '2.1.3-rc.1', longestVersion),
  context: fc.constantFrom('', 'pump'),
  message: text(200),
})
const question: fc.Arbitrary<LogQuestion> = fc.record({
  app: fc.constantFrom('a', 'light-alarm'),
  from: fc.oneof(fc.record({ after: fc.maxSafeNat() }), fc.record({ tail: fc.nat(limits.tail) })),
  filter: fc.record({
    sinceMs: fc.option(fc.nat(limits.longestSinceMs)),
    level: fc.option(fc.constantFrom(...logLevels)),
    text: fc.option(text(limits.textChars / 2)),
  }),
  waitMs: fc.nat(limits.longestWaitMs),
})
const ask: LogQuestion = {
  app: 'a',
  from: { after: 0 },
  filter: { sinceMs: null, level: null, text: null },
  waitMs: 0,
}
const emptyPage: LogPage = { lines: [], cursor: 0, missed: 0, more: false, nowMs: 0 }
const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'taken'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('on the wire', () => {
  it('a question is read as it was written', () => {
    fc.assert(
      fc.property(question, (one) => {
        expect(decodeQuestion(encodeQuestion(one))).toEqual(one)
      }),
    )
  })

  it('a page is read as it was written, and is no larger than was reckoned', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (list, more) => {
        const lines = list.map((one, index) => ({ ...one, seq: 1_000_000_000 + 3 * index + 1 }))
        const page = { lines, cursor: 2_000_000_000, missed: 7, more, nowMs: 1_700_000_000_000 }
        const bytes = encodePage(page)
        expect(decodePage(bytes)).toEqual(page)
        expect(bytes.length).toBeLessThanOrEqual(lines.reduce((sum, one) => sum + lineBytes(one), 64))
      }),
    )
  })

  it('a question is refused where it is anything else', () => {
    const listOf = (changes: Record<number, unknown>): unknown[] =>
      Object.assign(['a', 0, 5, null, null, null, 0], changes)
    const wrong: Record<number, unknown>[] = [
      { 0: '../a' },
      { 0: 'A' },
      { 0: 'a'.repeat(64) },
      { 1: 2 },
      { 1: 1, 2: limits.tail + 1 },
      { 2: -1 },
      { 2: 1.5 },
      { 3: limits.longestSinceMs + 1 },
      { 4: 4 },
      { 4: 'warn' },
      { 5: 'x'.repeat(limits.textChars + 1) },
      { 5: 7 },
      { 6: limits.longestWaitMs + 1 },
    ]
    for (const changes of wrong)
      expect([changes, codeOf(() => decodeQuestion(encodeCbor(listOf(changes))))]).toEqual([
        changes,
        'ERR_LOGS_PROTOCOL',
      ])
    expect(codeOf(() => decodeQuestion(encodeCbor(listOf({ 7: 'of a newer node' }))))).toBe('taken')
    expect(codeOf(() => decodeQuestion(new Uint8Array([0xff, 1])))).toBe('ERR_LOGS_PROTOCOL')
    expect(codeOf(() => decodeQuestion(encodeCbor('x'.repeat(5_000))))).toBe('ERR_LOGS_PROTOCOL')
  })

  it('a page is refused where it is anything else', () => {
    const row = [5, 1, 1, '1.0.0', '', 'said']
    const rowOf = (changes: Record<number, unknown>): unknown[] => Object.assign([...row], changes)
    const pageOf = (rows: unknown, cursor: unknown = 9): Uint8Array => encodeCbor([cursor, 0, false, 0, rows])
    const wrong: Uint8Array[] = [
      pageOf('x'),
      pageOf([rowOf({ 0: 0 })]),
      pageOf([rowOf({ 0: 10 })]),
      pageOf([row, row]),
      pageOf([rowOf({ 1: 9e15 })]),
      pageOf([rowOf({ 2: 9 })]),
      pageOf([rowOf({ 3: 'v'.repeat(limits.versionChars + 1) })]),
      pageOf([rowOf({ 4: 'c'.repeat(limits.contextChars + 1) })]),
      pageOf([rowOf({ 5: 'm'.repeat(limits.messageChars + 1) })]),
      pageOf([rowOf({ 5: 5 })]),
      pageOf([['short']]),
      pageOf([], -1),
      pageOf(
        Array.from({ length: limits.pageLines + 1 }, (_, index) => rowOf({ 0: index + 1 })),
        5_000,
      ),
      encodeCbor([9, 0, 'no', 0, []]),
      encodeCbor({}),
      new Uint8Array(limits.pageBytes * 2),
    ]
    for (const [at, bytes] of wrong.entries())
      expect([at, codeOf(() => decodePage(bytes))]).toEqual([at, 'ERR_LOGS_PROTOCOL'])
    expect(codeOf(() => decodePage(pageOf([row])))).toBe('taken')
  })

  it('what could steer a terminal is taken out at the border', () => {
    const [said] = decodePage(
      encodeCbor([9, 0, false, 0, [[5, 1, 1, '1\u001b[31m', 'c\nd', 'a\u001b]0;x\u0007b\u202e\tc\nd']]]),
    ).lines
    expect(said).toMatchObject({
      version: '1 [31m',
      context: 'c d',
      message: 'a\ufffd]0;x\ufffdb\ufffd\tc\nd',
    })
  })
})

class Harbor {
  readonly clock = new VirtualClock()
  readonly network = new SimNetwork(this.clock, new SeededRandom(1))
  readonly attacks: string[] = []

  transport(name: string): SimTransport {
    const transport = this.network.transport(name)
    transport.start()
    return transport
  }

  needs(transport: SimTransport) {
    return {
      transport,
      clock: this.clock,
      log: testLog(),
      addressesOf: (peer: string) => this.network.find(peer)?.addresses() ?? [],
      report: (attack: string, peer: string | null) => void this.attacks.push(`${attack} by ${peer}`),
    }
  }

  node(name: string): LogExchange {
    const exchange = new LogExchange(this.needs(this.transport(name)))
    exchange.start()
    return exchange
  }

  /** A peer that says what it likes under the protocol of logs. */
  hostile(name: string): CallExchange {
    const calls = new CallExchange({ ...this.needs(this.transport(name)), protocol: logsProtocol })
    calls.start()
    return calls
  }

  finish<T>(work: Promise<T>): Promise<T> {
    return this.clock.finish(work, 120_000)
  }
}

const never = new AbortController().signal
const outcome = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'answered',
    (error: unknown) => (error as { code: string }).code,
  )

describe('between two nodes', () => {
  it('a question is answered over a connection that is made for it, and an answer may wait', async () => {
    const harbor = new Harbor()
    const questions: LogQuestion[] = []
    harbor.node('b').answerWith(async (one) => {
      questions.push(one)
      await new Promise<void>((resolve) => harbor.clock.after(one.waitMs, resolve))
      return { ...emptyPage, cursor: 4 }
    })
    const waiting = { ...ask, waitMs: limits.longestWaitMs }
    expect(await harbor.finish(harbor.node('a').ask('b', waiting, never))).toEqual({
      ...emptyPage,
      cursor: 4,
    })
    expect(questions).toEqual([waiting])
    expect(harbor.attacks).toEqual([])
  })

  it('nodes that are not there, give nothing out, or break off are told apart; who leaves is not answered', async () => {
    const harbor = new Harbor()
    const a = harbor.node('a')
    expect(await harbor.finish(outcome(a.ask('c', ask, never)))).toBe('ERR_CALL_UNREACHABLE')
    const b = harbor.node('b')
    expect(await harbor.finish(outcome(a.ask('b', ask, never)))).toBe('ERR_LOGS_UNANSWERED')
    let ended = 0
    b.answerWith(
      (_, signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            ended += 1
            reject(signal.reason as Error)
          }),
        ),
    )
    const lost = outcome(a.ask('b', ask, never))
    await harbor.clock.run(1_000)
    harbor.network.cut('a', 'b')
    expect(await harbor.finish(lost)).toBe('ERR_CALL_LOST')
    expect(ended).toBe(1)
  })

  it('a flood of questions is answered at the pace that one node may read', async () => {
    const harbor = new Harbor()
    let answered = 0
    harbor.node('b').answerWith(async () => {
      answered += 1
      return emptyPage
    })
    const flood = harbor.hostile('m')
    const untilMs = 6_000
    const one = async (): Promise<void> => {
      while (harbor.clock.monotonicMs() < untilMs) {
        const call = { head: encodeQuestion(ask), body: null, deadlineMs: 30_000, hops: 0 }
        await outcome(flood.call('b', call))
        await new Promise<void>((resolve) => harbor.clock.after(20, resolve))
      }
    }
    // As many as there are channels, and some that find none.
    for (let index = 0; index < limits.channelsPerPeer + 2; index += 1) void one()
    await harbor.clock.run(untilMs)
    const honest = (limits.questionsPerSecond * (untilMs + limits.burstMs)) / 1_000
    expect(answered).toBeLessThan(honest * 1.2)
    expect(answered).toBeGreaterThan(honest / 4)
  })

  it('what is looked through for a peer is paid for while it is: several questions get no more than one', async () => {
    const harbor = new Harbor()
    const piece = 128 * 1024
    let looked = 0
    // As a node whose ring has 64 MiB, and nothing of what is looked for.
    harbor.node('b').answerWith(async (_question, _signal, charge) => {
      for (let bytes = 0; bytes < 64 << 20; bytes += piece) {
        await charge(piece)
        looked += piece
      }
      return emptyPage
    })
    const peer = harbor.hostile('m')
    const call = { head: encodeQuestion(ask), body: null, deadlineMs: 30_000, hops: 0 }
    expect(await harbor.finish(outcome(peer.call('b', call)))).toBe('answered')
    await harbor.clock.run(60_000)
    looked = 0
    const many = Array.from({ length: limits.channelsPerPeer }, () => outcome(peer.call('b', call)))
    const ends = await harbor.finish(Promise.all(many))
    expect(ends).toContain('ERR_LOGS_SEARCH')
    const allowed = (limits.bytesPerSecond * (limits.burstMs + limits.scanWaitMs)) / 1_000
    expect(looked).toBeLessThan(allowed * limits.scannedPerByte * 1.1)
  })

  it('whoever breaks the protocol, asking or answering, is told of', async () => {
    const harbor = new Harbor()
    const b = harbor.node('b')
    b.answerWith(async () => emptyPage)
    const rubbish = { head: new Uint8Array([0xff]), body: null, deadlineMs: 5_000, hops: 0 }
    const hostile = harbor.hostile('m')
    expect(await harbor.finish(outcome(hostile.call('b', rubbish)))).toBe('ERR_LOGS_PROTOCOL')
    hostile.answerWith(async () => ({ head: encodeCbor([1, 2, 3]), body: null }))
    expect(await harbor.finish(outcome(b.ask('m', ask, never)))).toBe('ERR_LOGS_PROTOCOL')
    expect(harbor.attacks).toEqual(['parser by m', 'parser by m'])
  })
})
