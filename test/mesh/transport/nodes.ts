/** Transports on loopback for tests; each test stops what it made. */
import { createHash } from 'node:crypto'
import { createLog, silentLog, systemClock, systemRandom, type Log } from '../../../core/index.ts'
import {
  createTransport,
  type AdmissionGate,
  type Channel,
  type Transport,
  type TransportOptions,
} from '../../../mesh/transport/index.ts'

export const openGate: AdmissionGate = {
  greet: async () => new Uint8Array([1]),
  check: async () => {},
}

/** 32 bytes that differ by name. */
function seedOf(name: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(name).digest())
}

export function testLog(): Log {
  if (process.env['TEST_LOG'] === undefined) return silentLog
  return createLog((entry) => console.error(JSON.stringify(entry)), systemClock, 'debug')
}

export class TestNodes {
  readonly #started: Transport[] = []

  make(name: string, options: Partial<TransportOptions> = {}): Transport {
    const transport = createTransport({
      privateKeySeed: seedOf(name),
      listen: ['/ip4/127.0.0.1/tcp/0'],
      gate: openGate,
      clock: systemClock,
      random: systemRandom,
      log: testLog(),
      ...options,
    })
    this.#started.push(transport)
    return transport
  }

  async start(name: string, options: Partial<TransportOptions> = {}): Promise<Transport> {
    const transport = this.make(name, options)
    await transport.start?.()
    return transport
  }

  async stopAll(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((transport) => transport.stop?.()))
  }
}

/** A generous bound for what should happen at once. */
export function soon(): AbortSignal {
  return AbortSignal.timeout(60_000)
}

/** Resolves when `isTrue` does; fails after a minute, which a busy machine may need, or so many milliseconds. */
export async function until(
  isTrue: () => boolean,
  what = 'the expected state',
  limitMs = 60_000,
): Promise<void> {
  const end = Date.now() + limitMs
  while (!isTrue()) {
    if (Date.now() > end) throw new Error(`${what} did not come about within ${limitMs / 1_000} seconds`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Answers every frame with itself. */
export async function echo(_peer: string, channel: Channel): Promise<void> {
  for await (const frame of channel.messages) await channel.send(frame)
}

export async function firstFrame(channel: Channel): Promise<Uint8Array> {
  for await (const frame of channel.messages) return frame
  throw new Error('the channel closed without a frame')
}
