/** Batches between two threads: one port, and one shared cell to sleep on. */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import type { Transport } from './guest-line.ts'
import { packToHost, unpackToGuest } from './packing.ts'
import { cells, type PackedBatch, type ToGuest, type ToHost } from './protocol.ts'

/** `Atomics.wait` takes a 32-bit number of ms in some engines. */
const longestSleepMs = 0x7fff_ffff

export class ThreadTransport implements Transport {
  readonly #port: MessagePort
  readonly #cells: Int32Array

  constructor(port: MessagePort, shared: Int32Array) {
    this.#port = port
    this.#cells = shared
  }

  send(batch: readonly ToHost[]): void {
    this.#port.postMessage(packToHost(batch))
  }

  receive(untilMs: number | null): readonly ToGuest[] | null {
    for (;;) {
      const seen = Atomics.load(this.#cells, cells.batches)
      const received = receiveMessageOnPort(this.#port) as { message: PackedBatch } | undefined
      if (received !== undefined) return unpackToGuest(received.message)
      const leftMs = untilMs === null ? longestSleepMs : untilMs - performance.now()
      if (leftMs <= 0) return null
      Atomics.wait(this.#cells, cells.batches, seen, Math.min(leftMs, longestSleepMs))
    }
  }

  onBatch(take: (batch: readonly ToGuest[]) => void): void {
    this.#port.on('message', (packed: PackedBatch) => take(unpackToGuest(packed)))
  }
}
