/**
 * The bytes of objects in an object store of NATS JetStream, each under a name that is made for it and never used again.
 * So what is being read stays as it was, whatever takes its place; it goes when the last of this node’s readers is done.
 */
import { randomBytes } from 'node:crypto'
import type { ObjectStore } from '@nats-io/obj'
import { storageProblems } from '../../problems.ts'
import { failed } from '../entry-checks.ts'
import type { NatsServerConnection } from './connection.ts'
import type { Bucket } from './ledger.ts'

const pieceBytes = 64 * 1024
/** For the end of an upload, whose last chunks are still on their way. */
const finishMs = 30_000

export class NatsObjects {
  readonly #connection: NatsServerConnection
  readonly #name: string
  readonly #store: ObjectStore
  readonly #streams: Bucket['streams']
  readonly #readers = new Map<string, number>()
  /** To be removed when nobody reads them. */
  readonly #doomed = new Set<string>()

  constructor(
    connection: NatsServerConnection,
    name: string,
    store: ObjectStore,
    streams: Bucket['streams'],
  ) {
    this.#connection = connection
    this.#name = name
    this.#store = store
    this.#streams = streams
  }

  /** Begins an object; nobody knows its name before `finish`. */
  upload(): { write(bytes: Uint8Array): Promise<void>; finish(): Promise<string>; abort(): Promise<void> } {
    const ref = randomBytes(16).toString('hex')
    let controller!: ReadableStreamDefaultController<Uint8Array>
    let wake: (() => void) | null = null
    const stream = new ReadableStream<Uint8Array>({
      start: (made) => void (controller = made),
      pull: () => wake?.(),
    })
    const done = this.#store.put({ name: ref }, stream)
    // Whoever writes or finishes is told.
    done.catch(() => {})
    return {
      write: async (bytes) => {
        controller.enqueue(bytes.slice())
        await this.#ask(async () => {
          const hasRoom = new Promise<void>((resolve) => (wake = resolve))
          if ((controller.desiredSize ?? 1) <= 0) await Promise.race([hasRoom, done])
        })
      },
      finish: async () => {
        controller.close()
        await this.#ask(() => done, finishMs)
        return ref
      },
      abort: async () => {
        try {
          controller.error(new Error('given up'))
        } catch {
          // It was finished.
        }
        await done.catch(() => {})
        await this.remove(ref)
      },
    }
  }

  /** Pieces of the part; nothing of it is asked for before the first is wanted. */
  async *read(ref: string, start: number, length: number): AsyncGenerator<Uint8Array> {
    if (length === 0) return
    const result = await this.#ask(() => this.#store.get(ref))
    if (result === null) throw failed('the object is gone: another node replaced it while it was read')
    const reader = result.data.getReader()
    let [skip, left] = [start, length]
    try {
      while (left > 0) {
        const { done, value } = await this.#ask(() => reader.read())
        if (done || value === undefined) break
        const part = value.subarray(Math.min(skip, value.length)).subarray(0, left)
        skip = Math.max(0, skip - value.length)
        left -= part.length
        for (let at = 0; at < part.length; at += pieceBytes) yield part.slice(at, at + pieceBytes)
      }
      if (left > 0) {
        throw storageProblems.error(
          'ERR_STORAGE_DAMAGED',
          'the NATS server has less of an object than it should',
        )
      }
    } finally {
      await reader.cancel().catch(() => {})
    }
  }

  /** @returns what ends the reading, once */
  hold(ref: string): () => Promise<void> {
    this.#readers.set(ref, (this.#readers.get(ref) ?? 0) + 1)
    let isHeld = true
    return async () => {
      if (!isHeld) return
      isHeld = false
      const left = (this.#readers.get(ref) ?? 1) - 1
      if (left > 0) return void this.#readers.set(ref, left)
      this.#readers.delete(ref)
      if (this.#doomed.delete(ref)) await this.remove(ref)
    }
  }

  /** Where it fails it only takes room. */
  async remove(ref: string): Promise<void> {
    if (this.#readers.has(ref)) return void this.#doomed.add(ref)
    const meta = Buffer.from(ref).toString('base64').replaceAll('+', '-').replaceAll('/', '_')
    try {
      await this.#ask(() => this.#store.delete(ref))
      // The mark that the library leaves: names are never used again.
      await this.#ask(() =>
        this.#streams.purge(`OBJ_${this.#name}`, { filter: `$O.${this.#name}.M.${meta}` }),
      )
    } catch {
      // Nobody names it any more.
    }
  }

  async #ask<Result>(work: () => Promise<Result>, ms?: number): Promise<Result> {
    try {
      return await this.#connection.ask(work, ms)
    } catch (error) {
      throw this.#connection.told(error)
    }
  }
}
