/** Nodes that call each other over the virtual network, each with its exchange. */
import { CallExchange, type CallHandler } from '../../../mesh/calls/index.ts'
import {
  SeededRandom,
  SimNetwork,
  VirtualClock,
  type SimNetworkOptions,
  type SimTransport,
} from '../../sim/index.ts'
import { testLog } from '../transport/nodes.ts'

export interface Caller {
  readonly name: string
  readonly transport: SimTransport
  readonly calls: CallExchange
}

export class CallHarbor {
  readonly clock = new VirtualClock()
  readonly network: SimNetwork
  /** Who was told not to keep to the protocol. */
  readonly reported: string[] = []
  /** Whose connection whom said to be of use. */
  readonly kept: string[] = []

  constructor(seed: number, options: SimNetworkOptions = {}) {
    this.network = new SimNetwork(this.clock, new SeededRandom(seed), options)
  }

  node(name: string, handler: CallHandler | null = null): Caller {
    const transport = this.network.transport(name)
    const calls = new CallExchange({
      transport,
      clock: this.clock,
      log: testLog(),
      report: (_attack, peer, detail) => void this.reported.push(`${peer}: ${detail}`),
      used: (peer) => void this.kept.push(`${name} ${peer}`),
      addressesOf: (peer) => this.network.find(peer)?.addresses() ?? [],
    })
    transport.start()
    calls.start()
    calls.answerWith(handler)
    return { name, transport, calls }
  }

  /** What comes of it within so much virtual time. */
  finish<T>(work: Promise<T>, limitMs = 60_000): Promise<T> {
    return this.clock.finish(work, limitMs)
  }
}

export const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
export const text = (value: Uint8Array): string => Buffer.from(value).toString()

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of chunks) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

/** So many pieces of a size, each filled with its number; `made` counts what was asked for. */
export function pieces(
  count: number,
  size: number,
): { chunks: AsyncIterable<Uint8Array>; made: () => number } {
  let made = 0
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < count; at++) {
      made++
      yield new Uint8Array(size).fill(at)
    }
  }
  return { chunks: chunks(), made: () => made }
}
