import { afterEach, beforeEach, expect, test } from 'vitest'
import { transportLimits, type Channel, type Transport } from '../../../mesh/transport/index.ts'
import { echo, firstFrame, soon, TestNodes, until } from './nodes.ts'

const nodes = new TestNodes()
let a: Transport
let b: Transport

beforeEach(async () => {
  a = await nodes.start('a')
  b = await nodes.start('b')
})
afterEach(() => nodes.stopAll())

async function pair(maxFrameBytes: number, acceptBytes = maxFrameBytes): Promise<[Channel, Channel]> {
  const accepted = new Promise<Channel>((resolve) => {
    b.handle('/selvedge/test/1', (_peer, channel) => resolve(channel), { maxFrameBytes: acceptBytes })
  })
  a.handle('/selvedge/test/1', () => {}, { maxFrameBytes })
  await a.dial(b.addresses(), soon())
  const opened = await a.open(b.self, '/selvedge/test/1', soon())
  return [opened, await accepted]
}

test('large frames, empty ones and many small ones arrive whole and in order', async () => {
  const [opened, accepted] = await pair(2 * 1024 * 1024)
  echo('', accepted).catch(() => {})
  const sizes = [0, 1, 3, 1_500_000, 0, 70_000, ...Array.from({ length: 300 }, (_, index) => index)]
  const send = (async () => {
    for (const [index, size] of sizes.entries()) await opened.send(new Uint8Array(size).fill(index))
  })()
  const seen: number[] = []
  for await (const frame of opened.messages) {
    expect(frame.every((byte) => byte === seen.length % 256)).toBe(true)
    seen.push(frame.length)
    if (seen.length === sizes.length) break
  }
  await send
  expect(seen).toEqual(sizes)
})

test('a protocol that a node of another version does not know is told from one that cannot be opened', async () => {
  a.handle('/selvedge/newer/1', () => {})
  await a.dial(b.addresses(), soon())
  await expect(a.open(b.self, '/selvedge/newer/1', soon())).rejects.toMatchObject({
    code: 'ERR_CHANNEL_CLOSED',
    message: expect.stringContaining('does not speak /selvedge/newer/1'),
  })
})

test('a frame over the limit is refused before it is sent', async () => {
  const [opened] = await pair(1_000)
  await expect(opened.send(new Uint8Array(1_001))).rejects.toMatchObject({ code: 'ERR_FRAME_TOO_LARGE' })
  await opened.send(new Uint8Array(1_000))
})

test('a peer that sends a frame over the limit loses the channel, and the reader is told', async () => {
  const [opened, accepted] = await pair(10_000, 1_000)
  await opened.send(new Uint8Array(5_000))
  await expect(firstFrame(accepted)).rejects.toMatchObject({ code: 'ERR_FRAME_TOO_LARGE' })
  await opened.closed
  await expect(opened.send(new Uint8Array(1))).rejects.toMatchObject({ code: 'ERR_CHANNEL_CLOSED' })
})

test('a sender waits while nobody reads, and goes on when somebody does', async () => {
  const [opened, accepted] = await pair(256 * 1024)
  const frames = 100
  let sent = 0
  const sending = (async () => {
    for (let index = 0; index < frames; index++) {
      await opened.send(new Uint8Array(256 * 1024).fill(index))
      sent++
    }
  })()
  let before = -1
  await until(() => {
    const isSteady = sent > 0 && sent === before
    before = sent
    return isSteady
  })
  expect(sent).toBeLessThan(frames / 2)
  let received = 0
  for await (const frame of accepted.messages) {
    expect(frame[0]).toBe(received)
    received++
    if (received === frames) break
  }
  await sending
})

test('what was sent before the close still arrives, even where the reader was behind', async () => {
  const [opened, accepted] = await pair(256 * 1024)
  const count = Math.ceil((3 * transportLimits.queuedBytes) / (64 * 1024))
  const sending = (async () => {
    for (let index = 0; index < count; index++) await opened.send(new Uint8Array(64 * 1024).fill(index))
    opened.close()
  })()
  await new Promise((resolve) => setTimeout(resolve, 50))
  let received = 0
  for await (const frame of accepted.messages) {
    expect(frame[0]).toBe(received)
    received++
  }
  expect(received).toBe(count)
  await sending
  await Promise.all([opened.closed, accepted.closed])
})

test('a reader that stops reading closes the channel for the sender', async () => {
  const [opened, accepted] = await pair(1_000)
  await opened.send(new Uint8Array(1))
  await firstFrame(accepted)
  await opened.closed
})

test('losing the connection ends the messages', async () => {
  const [opened, accepted] = await pair(1_000)
  b.disconnect(a.self)
  for await (const frame of opened.messages) expect(frame).toBeUndefined()
  await Promise.all([opened.closed, accepted.closed])
})
