/** Batches between processes: one pipe each way, read and written synchronously. */
import { readSync, writeSync } from 'node:fs'
import { encodeFrame, FrameReader } from './frames.ts'
import type { Transport } from './guest-line.ts'
import { packToHost, unpackToGuest } from './packing.ts'
import type { PackedBatch } from './protocol.ts'
import { pipes, type ToGuest, type ToHost } from './protocol.ts'

const readBytes = 256 * 1024

export class PipeTransport implements Transport {
  /** The node is trusted, and sends whole components at the start. */
  readonly #reader = new FrameReader(null)

  send(batch: readonly ToHost[]): void {
    const frame = encodeFrame(packToHost(batch))
    // Sleeps while the pipe is full: a node that is behind slows its guest down.
    for (let at = 0; at < frame.length;) at += writeSync(pipes.toHost, frame, at)
  }

  receive(untilMs: number | null): readonly ToGuest[] | null {
    if (untilMs !== null) {
      const afterMs = untilMs - performance.now()
      this.send([{ t: 'wake', afterMs: Math.max(0, afterMs) }])
    }
    const batch = this.next()
    return batch.length === 0 ? null : batch
  }

  /** The next batch, however long it takes. Ends the process when the node is gone. */
  next(): readonly ToGuest[] {
    for (;;) {
      const batch = this.#reader.next()
      if (batch !== null) return unpackToGuest(batch)
      const chunk = Buffer.allocUnsafe(readBytes)
      const count = readSync(pipes.toGuest, chunk)
      if (count === 0) process.exit(0)
      this.#reader.push(chunk.subarray(0, count))
    }
  }
}

/** What becomes of a batch that takes this way. */
export function throughFrames(batch: PackedBatch): PackedBatch {
  const reader = new FrameReader(null)
  reader.push(encodeFrame(batch))
  return reader.next() ?? []
}
