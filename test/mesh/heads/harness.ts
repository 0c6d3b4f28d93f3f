/** Heads for tests, and a few nodes that exchange them at once, counting what goes over the wire. */
import { digestOf } from '../../../core/index.ts'
import { isNewer, type Head } from '../../../mesh/heads/head.ts'
import { HeadSync, headSyncDefaults, type HeadSyncOptions } from '../../../mesh/heads/head-sync.ts'
import type { HeadEvent } from '../../../mesh/heads/head-events.ts'
import { decodeMessage, encodeMessage, type HeadMessage } from '../../../mesh/heads/message.ts'
import { SeededRandom } from '../../sim/index.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A head whose bytes say all about it, as a signed record would; `sizeBytes` makes it as large as one. */
export function makeHead(key: string, order: readonly [number, number], content = '', sizeBytes = 0): Head {
  const text = JSON.stringify({ key, order, content })
  const bytes = encoder.encode(text.padEnd(sizeBytes))
  return { key, order, digest: digestOf(bytes), bytes }
}

/** The head that these bytes are. */
export function readHead(bytes: Uint8Array): Head {
  const { key, order } = JSON.parse(decoder.decode(bytes)) as { key: string; order: [number, number] }
  return { key, order, digest: digestOf(bytes), bytes }
}

const frameHeaderBytes = 4

/** Nodes whose messages are encoded, counted, decoded and delivered in order, each head judged by its order. */
export class Company {
  readonly nodes: ReadonlyMap<string, HeadSync>
  /** Framed bytes of each kind of message. */
  readonly bytes: Record<HeadMessage['t'], number> = {
    have: 0,
    found: 0,
    want: 0,
    heads: 0,
    summary: 0,
    compare: 0,
    name: 0,
  }
  messages = 0
  nowMs = 0
  readonly misbehaved: string[] = []
  /** Messages that are lost on purpose. */
  isLost: (message: HeadMessage) => boolean = () => false
  readonly #queue: { from: string; to: string; frame: Uint8Array }[] = []

  constructor(names: readonly string[], seed = 1, options: HeadSyncOptions = headSyncDefaults) {
    const random = new SeededRandom(seed)
    this.nodes = new Map(names.map((name) => [name, new HeadSync(random, options)]))
  }

  node(name: string): HeadSync {
    return this.nodes.get(name) as HeadSync
  }

  link(a: string, b: string): void {
    this.feed(a, { type: 'peer-up', peer: b })
    this.feed(b, { type: 'peer-up', peer: a })
  }

  feed(name: string, event: HeadEvent): void {
    for (const action of this.node(name).on(event, this.nowMs)) {
      if (action.type === 'misbehaved') this.misbehaved.push(`${name} about ${action.peer}: ${action.reason}`)
      if (action.type === 'send' && this.nodes.has(action.peer) && !this.isLost(action.message)) {
        const frame = encodeMessage(action.message)
        this.bytes[action.message.t] += frame.length + frameHeaderBytes
        this.messages++
        this.#queue.push({ from: name, to: action.peer, frame })
      }
      if (action.type === 'accept') {
        const head = readHead(action.bytes)
        const isTaken = isNewer(head, this.node(name).get(head.key))
        if (isTaken) this.feed(name, { type: 'changed', head, from: action.peer })
        const outcome = isTaken ? 'accepted' : 'known'
        this.feed(name, { type: 'judged', peer: action.peer, key: action.key, outcome })
      }
    }
  }

  /** Delivers until nobody has anything to say. @throws Error when that never happens */
  settle(maxMessages = 100_000): void {
    for (let count = 0; ; count++) {
      const next = this.#queue.shift()
      if (next === undefined) return
      if (count === maxMessages) throw new Error(`they are still talking after ${maxMessages} messages`)
      this.feed(next.to, { type: 'message', peer: next.from, message: decodeMessage(next.frame) })
    }
  }

  /** Lets time pass in ticks, everything delivered after each. */
  pass(ms: number): void {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs += 200
      for (const name of this.nodes.keys()) this.feed(name, { type: 'tick' })
      this.settle()
    }
  }

  isAgreed(): boolean {
    return new Set([...this.nodes.values()].map((node) => node.summary().digest)).size === 1
  }

  /** All that was sent, without the heads themselves. */
  get overheadBytes(): number {
    return Object.entries(this.bytes).reduce(
      (sum, [kind, bytes]) => (kind === 'heads' ? sum : sum + bytes),
      0,
    )
  }

  forgetBytes(): void {
    for (const kind of Object.keys(this.bytes) as HeadMessage['t'][]) this.bytes[kind] = 0
    this.messages = 0
  }
}
