/**
 * One thread for several sandboxes: batches carry the number of the sandbox they are for. While one guest sleeps,
 * only its own batches wake it; what comes for the others waits until the thread is idle again. That is the price
 * of sharing, and why only apps of one publisher share.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import type { Transport } from './guest-line.ts'
import { packToHost, unpackToGuest } from './packing.ts'
import { cells, type FromShared, type ToGuest, type ToHost, type ToShared } from './protocol.ts'

const longestSleepMs = 0x7fff_ffff

export class SharedPort {
  readonly #port: MessagePort
  readonly #cells: Int32Array
  readonly #waiting = new Map<number, (readonly ToGuest[])[]>()

  constructor(port: MessagePort, shared: Int32Array) {
    this.#port = port
    this.#cells = shared
  }

  /** Keeps what came for its sandbox. @returns the number of a sandbox that is to go, or null */
  keep({ sandbox, batch }: ToShared): number | null {
    if (batch === null) return sandbox
    const waiting = this.#waiting.get(sandbox)
    const unpacked = unpackToGuest(batch)
    if (waiting === undefined) this.#waiting.set(sandbox, [unpacked])
    else waiting.push(unpacked)
    return null
  }

  /** What waits for one of them, or null when nothing waits for any. */
  next(): { readonly sandbox: number; readonly batch: readonly ToGuest[] } | null {
    for (const [sandbox, waiting] of this.#waiting) {
      const batch = waiting.shift()
      if (batch !== undefined) return { sandbox, batch }
    }
    return null
  }

  /** Nothing more will be asked of it; the node is told. */
  drop(sandbox: number): void {
    this.#waiting.delete(sandbox)
    this.#send({ sandbox, batch: null })
  }

  transportOf(sandbox: number): Transport {
    return {
      send: (batch: readonly ToHost[]) => this.#send({ sandbox, batch: packToHost(batch) }),
      receive: (untilMs) => this.#receive(sandbox, untilMs),
    }
  }

  #send(message: FromShared): void {
    this.#port.postMessage(message)
  }

  #receive(sandbox: number, untilMs: number | null): readonly ToGuest[] | null {
    for (;;) {
      const seen = Atomics.load(this.#cells, cells.batches)
      const own = this.#waiting.get(sandbox)?.shift()
      if (own !== undefined) return own
      const received = receiveMessageOnPort(this.#port) as { message: ToShared } | undefined
      if (received !== undefined) {
        const gone = this.keep(received.message)
        // A sandbox that is to go while its guest waits goes when that has ended: then this comes up again.
        if (gone !== null) this.#goners.push(gone)
        continue
      }
      const leftMs = untilMs === null ? longestSleepMs : untilMs - performance.now()
      if (leftMs <= 0) return null
      Atomics.wait(this.#cells, cells.batches, seen, Math.min(leftMs, longestSleepMs))
    }
  }

  #goners: number[] = []

  /** Sandboxes that were to go while a guest slept. */
  takeGoners(): readonly number[] {
    const goners = this.#goners
    this.#goners = []
    return goners
  }
}
