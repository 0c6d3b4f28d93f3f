/** Batches between nodes over the virtual network, and peers that mean harm. */
import { describe, expect, it, vi } from 'vitest'
import { delay, encodeCbor } from '../../../core/index.ts'
import { CallExchange } from '../../../mesh/calls/index.ts'
import {
  MessageExchange,
  messagesProtocol,
  messageWireLimits as limits,
  type Verdicts,
  type WireMessage,
} from '../../../mesh/messages/index.ts'
import { encodeBatch } from '../../../mesh/messages/batch.ts'
import { SeededRandom, SimNetwork, VirtualClock, type SimTransport } from '../../sim/index.ts'
import { testLog } from '../transport/nodes.ts'

const messageOf = (id: string, changes: Partial<WireMessage> = {}): WireMessage => ({
  id,
  topic: 'light',
  key: null,
  contentType: null,
  metadata: [],
  body: new Uint8Array(8),
  timeMs: 1,
  ...changes,
})
const takeAll = async (_: string, messages: readonly WireMessage[]): Promise<Verdicts> => ({
  verdicts: messages.map(() => 'taken' as const),
  waitMs: 0,
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

  node(name: string, transport = this.transport(name)): MessageExchange {
    const exchange = new MessageExchange({
      transport,
      clock: this.clock,
      log: testLog(),
      addressesOf: (peer) => this.network.find(peer)?.addresses() ?? [],
      report: (attack, peer) => void this.attacks.push(`${attack} by ${peer}`),
    })
    exchange.start()
    return exchange
  }

  /** A peer that says what it likes under the protocol of messages. */
  hostile(name: string): (body: Uint8Array, ...more: Uint8Array[]) => Promise<string> {
    const calls = new CallExchange({
      transport: this.transport(name),
      clock: this.clock,
      log: testLog(),
      addressesOf: (peer) => this.network.find(peer)?.addresses() ?? [],
      protocol: messagesProtocol,
    })
    calls.start()
    const say = (body: Uint8Array): Promise<string> =>
      calls.call('b', { head: new Uint8Array(0), body, deadlineMs: 20_000, hops: 0 }).then(
        () => 'answered',
        (error: unknown) => (error as { code: string }).code,
      )
    return async (...bodies) => (await this.finish(Promise.all(bodies.map(say)))).join()
  }

  finish<T>(work: Promise<T>): Promise<T> {
    return this.clock.finish(work, 60_000)
  }
}

describe('messages between two nodes', () => {
  it('arrive as whose connection they came over, after a dial where there is none', async () => {
    const harbor = new Harbor()
    const seen: unknown[] = []
    harbor.node('b').receiveWith(async (peer, messages) => {
      seen.push([peer, messages])
      return { verdicts: ['taken', 'unwanted'], waitMs: 5 }
    })
    const batch = [messageOf('1'), messageOf('2', { body: new Uint8Array(200_000).fill(7) })]
    const answer = await harbor.finish(harbor.node('a').deliver('b', batch))
    expect(answer).toEqual({ verdicts: ['taken', 'unwanted'], waitMs: 5 })
    expect(seen).toEqual([['a', batch]])
    expect(harbor.attacks).toEqual([])
  })

  it('are told apart: unreachable nodes, nodes that do not listen, connections that break', async () => {
    const harbor = new Harbor()
    const a = harbor.node('a')
    const codeOf = (error: unknown): string => (error as { code: string }).code
    expect(await harbor.finish(a.deliver('c', [messageOf('1')]).catch(codeOf))).toBe('ERR_CALL_UNREACHABLE')
    const b = harbor.node('b')
    expect(await harbor.finish(a.deliver('b', [messageOf('1')]).catch(codeOf))).toBe('ERR_MESSAGES_UNHEARD')
    b.receiveWith(() => new Promise(() => {}))
    const lost = a.deliver('b', [messageOf('1')]).catch(codeOf)
    await harbor.clock.run(1_000)
    harbor.network.cut('a', 'b')
    expect(await harbor.finish(lost)).toBe('ERR_CALL_LOST')
  })
})

describe('a batch that nobody waits for any more', () => {
  it('leaves its channel to the next one where its answer comes soon, and closes it where it does not', async () => {
    const harbor = new Harbor()
    const transport = harbor.transport('a')
    const opened = vi.spyOn(transport, 'open')
    const a = harbor.node('a', transport)
    let answerAfterMs = 600
    harbor.node('b').receiveWith(async (peer, messages) => {
      await delay(harbor.clock, answerAfterMs)
      return takeAll(peer, messages)
    })
    const giveUp = async (): Promise<void> => {
      const over = new AbortController()
      const sent = a.deliver('b', [messageOf('1')], over.signal).catch((error: unknown) => error)
      await harbor.clock.run(500)
      over.abort(new Error('there are replies enough'))
      expect(await harbor.clock.finish(sent, 10)).toMatchObject({ message: 'there are replies enough' })
    }
    await giveUp()
    await harbor.clock.run(2_000)
    await harbor.finish(a.deliver('b', [messageOf('2')]))
    expect(opened).toHaveBeenCalledTimes(1)
    answerAfterMs = 60_000
    await giveUp()
    await harbor.clock.run(2_000)
    answerAfterMs = 0
    await harbor.finish(a.deliver('b', [messageOf('3')]))
    expect(opened).toHaveBeenCalledTimes(2)
  })

  it('is not sent where that is so before it has a channel', async () => {
    const harbor = new Harbor()
    const a = harbor.node('a')
    const seen: string[] = []
    harbor.node('b').receiveWith(async (peer, messages) => {
      seen.push(...messages.map(({ id }) => id))
      return takeAll(peer, messages)
    })
    const over = new AbortController()
    const sent = a.deliver('b', [messageOf('1')], over.signal).catch((error: unknown) => error)
    over.abort(new Error('there are replies enough'))
    expect(await harbor.finish(sent)).toMatchObject({ message: 'there are replies enough' })
    await harbor.clock.run(5_000)
    expect(seen).toEqual([])
  })
})

describe('a batch that is made when it leaves', () => {
  it('says what is true then, however long it waited for a channel', async () => {
    const harbor = new Harbor()
    const a = harbor.node('a')
    const seen: number[] = []
    harbor.node('b').receiveWith(async (peer, messages) => {
      seen.push(...messages.map(({ timeMs }) => timeMs))
      await delay(harbor.clock, 4_000)
      return takeAll(peer, messages)
    })
    const long = Array.from({ length: limits.channelsPerPeer }, (_, at) =>
      a.deliver('b', [messageOf(`long-${at}`, { timeMs: 0 })]),
    )
    const made = (): WireMessage[] => [messageOf('made', { timeMs: harbor.clock.monotonicMs() })]
    await harbor.finish(Promise.all([...long, a.deliver('b', made)]))
    expect(Math.max(...seen)).toBeGreaterThanOrEqual(4_000)
  })
})

describe('a hostile peer', () => {
  it('is named for what is no batch, and for one without end', async () => {
    const harbor = new Harbor()
    let received = 0
    harbor.node('b').receiveWith(async (peer, messages) => {
      received += messages.length
      return takeAll(peer, messages)
    })
    const say = harbor.hostile('mallory')
    expect(await say(new Uint8Array([1, 2, 3]))).toBe('ERR_MESSAGES_PROTOCOL')
    expect(await say(encodeCbor([['1', 'NO TOPIC', null, null, [], new Uint8Array(1), 0]]))).toBe(
      'ERR_MESSAGES_PROTOCOL',
    )
    // A field that would say whose it is has no place in it.
    expect(await say(encodeCbor([['1', 'light', null, null, [], new Uint8Array(1), 0, 'alice']]))).toBe(
      'ERR_MESSAGES_PROTOCOL',
    )
    expect(await say(new Uint8Array(3 * limits.batchBytes))).toBe('ERR_MESSAGES_ENDLESS')
    expect(received).toBe(0)
    expect(harbor.attacks).toEqual([
      'trailing-data by mallory',
      'parser by mallory',
      'parser by mallory',
      'endless-data by mallory',
    ])
  })

  it('that floods is told to wait, and named where it does not', async () => {
    const harbor = new Harbor()
    let received = 0
    harbor.node('b').receiveWith(async (peer, messages) => {
      received += messages.length
      return takeAll(peer, messages)
    })
    const say = harbor.hostile('mallory')
    const batch = encodeBatch(Array.from({ length: limits.batchMessages }, (_, at) => messageOf(`${at}`)))
    const most = (limits.messagesPerSecond * limits.burstMs) / 1_000 + 2 * limits.batchMessages
    for (let at = 0; at < 400; at++) expect(await say(batch)).toBe('answered')
    expect(received).toBeLessThanOrEqual(
      most + (limits.messagesPerSecond * harbor.clock.monotonicMs()) / 1_000,
    )
    expect(received).toBeLessThan(400 * limits.batchMessages)
    expect(new Set(harbor.attacks)).toEqual(new Set(['flood by mallory']))
    // Whoever waits is welcome again.
    await harbor.clock.run(limits.burstMs)
    const before = received
    await say(batch)
    expect(received).toBe(before + limits.batchMessages)
  })

  it('has a few batches in memory at a time, however many it sends at once', async () => {
    const harbor = new Harbor()
    let now = 0
    let most = 0
    harbor.node('b').receiveWith(async (peer, messages) => {
      now += 1
      most = Math.max(most, now)
      await new Promise<void>((resolve) => harbor.clock.after(1_000, resolve))
      now -= 1
      return takeAll(peer, messages)
    })
    const say = harbor.hostile('mallory')
    const [first = new Uint8Array(0), ...more] = Array.from({ length: 10 }, (_, at) =>
      encodeBatch([messageOf(`${at}`)]),
    )
    const outcomes = (await say(first, ...more)).split(',')
    expect(most).toBe(limits.batchesPerPeer)
    expect(outcomes).toContain('answered')
  })
})
