import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { SendBatch, type SendState } from '../../../mesh/transport/send-batch.ts'

const headerBytes = 12
const [data, grant, goAway] = [0, 1, 3]
const [syn, fin, reset] = [0x1, 0x4, 0x8]

function frame(type: number, flags: number, stream: number, length: number): Uint8Array {
  const header = new Uint8Array(headerBytes)
  const view = new DataView(header.buffer)
  header[1] = type
  view.setUint16(2, flags)
  view.setUint32(4, stream)
  view.setUint32(8, length)
  return header
}

/** Headers of frames without a body, as they left. */
function framesIn(
  sent: readonly Uint8Array[],
): { type: number; flags: number; stream: number; length: number }[] {
  const all = Buffer.concat(sent)
  return Array.from({ length: all.length / headerBytes }, (_, index) => {
    const at = index * headerBytes
    return {
      type: all.readUInt8(at + 1),
      flags: all.readUInt16BE(at + 2),
      stream: all.readUInt32BE(at + 4),
      length: all.readUInt32BE(at + 8),
    }
  })
}

function batch(state: Partial<SendState> = {}): { sent: Uint8Array[]; batch: SendBatch } {
  const sent: Uint8Array[] = []
  const out = (bytes: Uint8Array): boolean => {
    sent.push(bytes)
    return true
  }
  return { sent, batch: new SendBatch(out, { status: 'open', writableNeedsDrain: false, ...state }) }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('what is sent in one turn of the event loop leaves as one message, in order', async () => {
  const { sent, batch: sends } = batch()
  sends.send(new Uint8Array([1, 2]))
  sends.send(new Uint8Array([3]))
  expect(sent).toEqual([])
  await turn()
  expect(sent.map((bytes) => [...bytes])).toEqual([[1, 2, 3]])
  sends.send(new Uint8Array([4]))
  await turn()
  expect(sent.map((bytes) => [...bytes])).toEqual([[1, 2, 3], [4]])
})

test('what has become large leaves at once', () => {
  const { sent, batch: sends } = batch()
  sends.send(new Uint8Array(100_000))
  expect(sent).toEqual([])
  sends.send(new Uint8Array(100_000))
  expect(sent.map((bytes) => bytes.length)).toEqual([200_000])
})

test.each([
  ['the end of a stream', frame(grant, fin, 5, 0)],
  ['a reset', frame(grant, reset, 5, 0)],
  ['the end of all streams', frame(goAway, 0, 0, 0)],
])('%s leaves at once, behind what was sent before', (_name, last) => {
  const { sent, batch: sends } = batch()
  sends.send(frame(data, 0, 5, 0))
  sends.send(last)
  expect(framesIn(sent).map(({ type }) => type)).toEqual([data, last[1]])
})

test('grants of window are held back until they are worth a message', () => {
  const { sent, batch: sends } = batch()
  sends.send(frame(grant, 0, 7, 40_000))
  sends.flush()
  expect(sent).toEqual([])
  sends.send(frame(grant, 0, 7, 30_000))
  sends.flush()
  expect(framesIn(sent)).toEqual([{ type: grant, flags: 0, stream: 7, length: 70_000 }])
})

test('a grant that opens a stream is not held back', async () => {
  const { sent, batch: sends } = batch()
  sends.send(frame(grant, syn, 7, 0))
  await turn()
  expect(framesIn(sent)).toEqual([{ type: grant, flags: syn, stream: 7, length: 0 }])
})

test('no window is lost, and never more than a quarter of the least window is held back of a stream', () => {
  const step = fc.record({
    stream: fc.integer({ min: 1, max: 400 }),
    bytes: fc.integer({ min: 1, max: 90_000 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 800 }), (steps) => {
      const { sent, batch: sends } = batch()
      const granted = new Map<number, number>()
      for (const { stream, bytes } of steps) {
        sends.send(frame(grant, 0, stream, bytes))
        granted.set(stream, (granted.get(stream) ?? 0) + bytes)
      }
      sends.flush()
      const told = new Map<number, number>()
      for (const { stream, length } of framesIn(sent)) told.set(stream, (told.get(stream) ?? 0) + length)
      let held = 0
      for (const [stream, bytes] of granted) {
        const back = bytes - (told.get(stream) ?? 0)
        if (back < 0 || back >= 64 * 1024) return false
        if (back > 0) held++
      }
      return held <= 256
    }),
  )
})

test('who sends is told to wait while the connection is full', () => {
  expect(batch({ writableNeedsDrain: true }).batch.send(new Uint8Array(10))).toBe(false)
  expect(batch().batch.send(new Uint8Array(10))).toBe(true)
})

test('a connection that is gone refuses whoever sends, and nothing is thrown in a later turn', async () => {
  const refuse = (): never => {
    throw new Error('it is closed')
  }
  const closed = new SendBatch(refuse, { status: 'closed', writableNeedsDrain: false })
  expect(() => closed.send(new Uint8Array(10))).toThrow('it is closed')
  const closing = new SendBatch(refuse, { status: 'open', writableNeedsDrain: false })
  expect(closing.send(new Uint8Array(10))).toBe(true)
  await turn()
})
