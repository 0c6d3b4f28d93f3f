/**
 * Buckets that other threads use without asking the node's: the lines on which they ask, and the entries that they read.
 * Entries are written between the commit and its answer, so that nobody reads what may still be undone, and nobody who
 * was answered reads what was before.
 */
import {
  SharedEntriesWriter,
  SharedLineServer,
  type LineAnswer,
  type LineQuestion,
} from '../../../core/index.ts'
import type { KeyValueTable } from '../key-value-table.ts'
import type { Outcome, StorageCall } from './files.ts'
import type { GivenBack, Lent } from './protocol.ts'

/** The table's methods that a line answers. */
export const sharedMethods = ['get', 'set', 'delete', 'version', 'increment', 'compareAndSwap'] as const
type SharedMethod = (typeof sharedMethods)[number]

export interface Asked {
  readonly path: string
  readonly call: StorageCall
  answer(outcome: Outcome): void
}

interface Line {
  readonly path: string
  readonly bucket: string
  readonly server: SharedLineServer
}

export class LentBuckets {
  readonly #lines = new Map<number, Line>()
  readonly #entries = new Map<string, Map<string, SharedEntriesWriter>>()

  /** @returns whether the bucket's entries are kept for it */
  lend(path: string, table: KeyValueTable, { n, bucket, line, entries }: Lent): boolean {
    this.#lines.set(n, { path, bucket, server: new SharedLineServer(line) })
    const writers = this.#entries.get(path) ?? new Map<string, SharedEntriesWriter>()
    if (writers.has(bucket)) return true
    if (!table.show(bucket)) return false
    writers.set(bucket, new SharedEntriesWriter(entries))
    this.#entries.set(path, writers)
    return true
  }

  takeBack(path: string, table: KeyValueTable, { n, bucket, isLast }: GivenBack): void {
    this.#lines.delete(n)
    if (!isLast) return
    table.hide(bucket)
    this.#entries.get(path)?.get(bucket)?.close()
    this.#entries.get(path)?.delete(bucket)
  }

  /** The file was opened again: what readers have of it may be of another. */
  opened(path: string, table: KeyValueTable): void {
    for (const [bucket, writer] of this.#entries.get(path) ?? []) {
      writer.clear()
      table.show(bucket)
    }
  }

  /** Has readers see what was committed. */
  publish(path: string, table: KeyValueTable): void {
    const shown = table.takeShown()
    if (shown.length === 0) return
    for (const [bucket, writer] of this.#entries.get(path) ?? [])
      writer.put(shown.filter((entry) => entry.bucket === bucket))
  }

  /** Nothing is known of the file until it is opened again. */
  clear(path: string): void {
    for (const writer of this.#entries.get(path)?.values() ?? []) writer.clear()
  }

  close(path: string): void {
    for (const writer of this.#entries.get(path)?.values() ?? []) writer.close()
    this.#entries.delete(path)
    for (const [n, line] of this.#lines) {
      if (line.path !== path) continue
      line.server.close()
      this.#lines.delete(n)
    }
  }

  /** One question of each line at most: nobody keeps the others waiting. */
  asked(): Asked[] {
    const asked: Asked[] = []
    for (const { path, bucket, server } of this.#lines.values()) {
      const question = server.take()
      if (question === null) continue
      const method = sharedMethods[question.method]
      if (method === undefined) server.answer(refusal('it asks for something that is not answered here'))
      else {
        const call = { method, args: [bucket, ...argumentsOf(method, question)] }
        asked.push({ path, call, answer: (outcome) => server.answer(answerOf(method, outcome)) })
      }
    }
    return asked
  }
}

function argumentsOf(method: SharedMethod, { key, value, number }: LineQuestion): unknown[] {
  if (method === 'set') return [key, value ?? nothing]
  if (method === 'increment') return [key, number]
  if (method === 'compareAndSwap') return [key, Number(number), value ?? nothing]
  return [key]
}

function answerOf(method: SharedMethod, outcome: Outcome): LineAnswer {
  if ('error' in outcome) return refusal(outcome.error.message)
  const { value } = outcome
  if (method === 'increment') return { outcome: 'ok', number: value as bigint, value: null }
  if (method === 'version') return { outcome: 'ok', number: BigInt(value as number), value: null }
  if (method === 'get') {
    const found = value as ReturnType<KeyValueTable['get']>
    return { outcome: 'ok', number: BigInt(found?.version ?? 0), value: found?.value ?? null }
  }
  if (method === 'compareAndSwap') {
    const { swapped, version } = value as ReturnType<KeyValueTable['compareAndSwap']>
    // Whether there is a value tells whether it was swapped.
    return { outcome: 'ok', number: BigInt(version), value: swapped ? nothing : null }
  }
  return { outcome: 'ok', number: 0n, value: null }
}

function refusal(message: string): LineAnswer {
  return { outcome: 'refused', number: 0n, value: new TextEncoder().encode(message) }
}

const nothing = new Uint8Array(0)
