/** What a bridge sends, to a broker that is said to be up and takes nothing, and from a disk that takes nothing. */
import { describe, expect, it } from 'vitest'
import { silentLog, systemRandom } from '../../../core/index.ts'
import type { Message } from '../../../host/messages/index.ts'
import { lettersOf } from '../../../host/mqtt/bridge/letters.ts'
import { Uplink } from '../../../host/mqtt/bridge/uplink.ts'
import type { Broker } from '../../../host/mqtt/index.ts'
import { mqttProblems } from '../../../host/mqtt/problems.ts'
import { MemoryQueueFile, type QueueChange } from '../../../host/queue/file.ts'
import { FileQueue } from '../../../host/queue/queue.ts'
import { FakeClock, settle } from '../fake-clock.ts'

const limits = { items: 100, bytes: 1e6, itemBytes: 1e4, whenFull: 'refuse', deadItems: 10 } as const

class Disk extends MemoryQueueFile {
  isFull = false

  override async commit(changes: readonly QueueChange[]): Promise<void> {
    if (this.isFull) throw new Error('no space left')
    await super.commit(changes)
  }
}

/** Up, whatever it says to a message. */
function brokerThat(publish: (text: string) => Promise<void>): Broker {
  return {
    name: 'b',
    listen: () => () => {},
    take: () => () => {},
    publish: (_, payload) => publish(Buffer.from(payload).toString()),
    health: () => ({ state: 'up', sinceMs: 0, problem: null }),
    counts: () => ({ connections: 1, received: 0, sent: 0, oversized: 0, garbage: 0, notTaken: 0 }),
    onHealth: () => () => {},
  }
}

function message(text: string, key: string | null = null): Message {
  const body = new TextEncoder().encode(text)
  return { id: text, topic: 't', key, contentType: null, metadata: [], body, origin: 'n', timeMs: 0 }
}

async function uplinkTo(broker: Broker) {
  const clock = new FakeClock()
  const disk = new Disk()
  const queue = await FileQueue.open({ file: disk, limits, clock })
  const routes = [{ topic: 't', to: 'site', retain: false }]
  const uplink = new Uplink({
    broker,
    queue,
    routes,
    mesh: 'm',
    clock,
    random: systemRandom,
    log: silentLog,
  })
  return { clock, disk, queue, uplink }
}

describe('what a broker refused', () => {
  it('can be read, and is sent again when somebody says so', async () => {
    let allows = false
    const sent: string[] = []
    const { clock, queue, uplink } = await uplinkTo(
      brokerThat(async (text) => {
        if (!allows) throw mqttProblems.error('ERR_BROKER_REFUSED', 'not this topic')
        sent.push(text)
      }),
    )
    uplink.start()
    await Promise.all([uplink.take(message('hello')), clock.advance(100)])
    for (let minutes = 0; minutes < 10; minutes += 1) await clock.advance(60_000)
    const letters = lettersOf(queue)
    expect(await letters.report()).toMatchObject({
      counts: { waiting: 0, dead: 1 },
      waiting: [],
      dead: [{ item: 1, kind: 'message', payload: 'site: hello', attempts: 8, lastError: 'not this topic' }],
    })
    allows = true
    const [count] = await Promise.all([letters.change('replay', [1]), clock.advance(1_000)])
    expect(count).toBe(1)
    await settle()
    expect(sent).toEqual(['hello'])
    uplink.stop()
  })
})

describe('the way up to a broker', () => {
  it('pauses where nothing is taken, and leaves the process its time', async () => {
    let tries = 0
    const { clock, queue, uplink } = await uplinkTo(
      brokerThat(async () => {
        tries += 1
        // Without a pause this is asked for ever, before any timer has its turn.
        if (tries < 10_000) throw mqttProblems.error('ERR_BROKER_AWAY', 'it is gone')
      }),
    )
    uplink.start()
    await uplink.take(message('1'))
    await settle()
    expect(tries).toBe(1)
    await clock.advance(3_500)
    expect(tries).toBeGreaterThan(2)
    expect(tries).toBeLessThan(6)
    expect(queue.counts().waiting).toBe(1)
  })

  it('goes on after it was stopped in a pause', async () => {
    const sent: string[] = []
    let isAway = true
    const { clock, uplink } = await uplinkTo(
      brokerThat(async (text) => {
        if (isAway) throw mqttProblems.error('ERR_BROKER_AWAY', 'it is gone')
        sent.push(text)
      }),
    )
    uplink.start()
    await uplink.take(message('1'))
    await settle()
    uplink.stop()
    isAway = false
    uplink.start()
    await clock.advance(100)
    expect(sent).toEqual(['1'])
  })

  it('sends what else is under way once, where the disk cannot note that one was refused', async () => {
    const sent: string[] = []
    let tries = 0
    const { clock, disk, queue, uplink } = await uplinkTo(
      brokerThat(async (text) => {
        if (tries++ === 0) disk.isFull = true
        if (text === '1') throw mqttProblems.error('ERR_BROKER_REFUSED', 'not this one')
        await new Promise<void>((resolve) => clock.after(500, resolve))
        sent.push(text)
      }),
    )
    await uplink.take(message('1', 'a'))
    await uplink.take(message('2', 'b'))
    uplink.start()
    await clock.advance(600)
    disk.isFull = false
    await clock.advance(5_000)
    await uplink.take(message('3', 'b'))
    await clock.advance(5_000)
    expect(sent).toEqual(['2', '3'])
    expect(queue.counts()).toMatchObject({ taken: 0 })
  })
})
