/**
 * Batches as they cross: the messages of every call lie flat in one array, a number for the kind and then its fields in
 * a fixed order. A structured clone writes the names of all properties of an object with each of them, and the reader
 * looks them up again, which costs more than the values. All rarer messages lie there as they are.
 */
import type { Outcome, PackedBatch, ToGuest, ToHost } from './protocol.ts'

/** How many fields follow the number of a kind. */
const fieldCounts = {
  /** Any message, whole. */
  whole: 1,
  call: 3,
  invoke: 5,
  reply: 3,
  result: 7,
  hostCall: 4,
  post: 3,
} as const

const kinds = { whole: 0, call: 1, invoke: 2, reply: 3, result: 4, hostCall: 5, post: 6 } as const

export function packToGuest(batch: readonly ToGuest[]): PackedBatch {
  const packed: unknown[] = []
  for (const message of batch) {
    switch (message.t) {
      case 'call':
        packed.push(kinds.call, message.call, message.target, message.args)
        break
      case 'invoke':
        packed.push(kinds.invoke, message.call, message.part, message.name, message.args, message.channel)
        break
      case 'reply':
        packed.push(kinds.reply, message.n, message.kind === 'ok', message.value)
        break
      default:
        packed.push(kinds.whole, message)
    }
  }
  return packed
}

/** What `packToGuest` made; the node is trusted. */
export function unpackToGuest(packed: PackedBatch): ToGuest[] {
  const batch: ToGuest[] = []
  for (let at = 0; at < packed.length;) {
    const kind = packed[at]
    if (kind === kinds.call) {
      batch.push({
        t: 'call',
        call: packed[at + 1] as number,
        target: packed[at + 2] as string,
        args: packed[at + 3] as readonly unknown[],
      })
      at += 1 + fieldCounts.call
    } else if (kind === kinds.invoke) {
      batch.push({
        t: 'invoke',
        call: packed[at + 1] as number,
        part: packed[at + 2] as string,
        name: packed[at + 3] as string,
        args: packed[at + 4] as readonly unknown[],
        channel: packed[at + 5] as number,
      })
      at += 1 + fieldCounts.invoke
    } else if (kind === kinds.reply) {
      batch.push({
        t: 'reply',
        n: packed[at + 1] as number,
        kind: packed[at + 2] === true ? 'ok' : 'err',
        value: packed[at + 3],
      })
      at += 1 + fieldCounts.reply
    } else {
      batch.push(packed[at + 1] as ToGuest)
      at += 1 + fieldCounts.whole
    }
  }
  return batch
}

export function packToHost(batch: readonly ToHost[]): PackedBatch {
  const packed: unknown[] = []
  for (const message of batch) {
    if (message.t === 'result' && message.outcome.kind === 'ok') {
      const { call, outcome, activeMs, memoryBytes, bytes, dropped, channelUsed } = message
      packed.push(kinds.result, call, outcome.value, activeMs, memoryBytes, bytes, dropped, channelUsed)
    } else if (message.t === 'host-call') {
      packed.push(kinds.hostCall, message.n, message.id, message.name, message.args)
    } else if (message.t === 'post') {
      packed.push(kinds.post, message.id, message.name, message.args)
    } else packed.push(kinds.whole, message)
  }
  return packed
}

/**
 * What `packToHost` made, or what a process that was taken over sends in its place: whether the messages have the form
 * of messages is seen to afterwards. @throws where the fields do not add up
 */
export function unpackToHost(packed: PackedBatch): ToHost[] {
  const batch: ToHost[] = []
  for (let at = 0; at < packed.length;) {
    const kind = packed[at]
    const count = countOf(kind)
    if (at + count >= packed.length) throw new Error('a batch that ends in the middle of a message')
    if (kind === kinds.result) batch.push(resultAt(packed, at))
    else if (kind === kinds.hostCall) {
      batch.push({
        t: 'host-call',
        n: packed[at + 1] as number,
        id: packed[at + 2] as string,
        name: packed[at + 3] as string,
        args: packed[at + 4] as readonly unknown[],
      })
    } else if (kind === kinds.post) {
      batch.push({
        t: 'post',
        id: packed[at + 1] as string,
        name: packed[at + 2] as string,
        args: packed[at + 3] as readonly unknown[],
      })
    } else batch.push(packed[at + 1] as ToHost)
    at += 1 + count
  }
  return batch
}

function countOf(kind: unknown): number {
  if (kind === kinds.result) return fieldCounts.result
  if (kind === kinds.hostCall) return fieldCounts.hostCall
  if (kind === kinds.post) return fieldCounts.post
  if (kind === kinds.whole) return fieldCounts.whole
  throw new Error('a batch with a message of no known kind')
}

function resultAt(packed: PackedBatch, at: number): Extract<ToHost, { t: 'result' }> {
  const outcome: Outcome = { kind: 'ok', value: packed[at + 2] }
  return {
    t: 'result',
    call: packed[at + 1] as number,
    outcome,
    activeMs: packed[at + 3] as number,
    memoryBytes: packed[at + 4] as number,
    bytes: packed[at + 5] as number,
    dropped: packed[at + 6] as number,
    channelUsed: packed[at + 7] as boolean,
  }
}
