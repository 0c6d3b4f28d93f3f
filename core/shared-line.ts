/**
 * One question at a time through memory that two threads share: the one that asks sleeps on it, the one that answers has
 * a bell that everybody rings. It costs two wake-ups, where a message by way of a third thread costs four and a clone at
 * each, and none where both are patient for a moment. Who owns the bytes alternates with the state, which is the only
 * thing that both look at.
 */
import { Patience } from './patience.ts'

export interface LineQuestion {
  readonly method: number
  readonly key: string
  readonly value: Uint8Array | null
  readonly number: bigint
}

export interface LineAnswer {
  /** `long-way`: it does not fit here, and nothing was done. */
  readonly outcome: 'ok' | 'refused' | 'long-way'
  readonly number: bigint
  /** Of a refusal, its text in UTF-8. */
  readonly value: Uint8Array | null
}

const cells = { state: 0, method: 1, keyBytes: 2, valueBytes: 3, number: 4, count: 8 } as const
const states = { idle: 0, asked: 1, answered: 2, closed: 3 } as const
const outcomes = ['ok', 'refused', 'long-way'] as const
/** Above the largest entry that is quicker here than by messages. */
const bodyBytes = 64 * 1024
/** In place of a number of bytes: there is no value. */
const none = -1

export function sharedLineMemory(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(cells.count * 4 + bodyBytes))
}

/** To wake whoever answers; it sleeps on it where nobody has asked. */
export function sharedBell(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4))
}

export function ring(bell: Int32Array): void {
  Atomics.add(bell, 0, 1)
  Atomics.notify(bell, 0)
}

class Line {
  readonly words: Int32Array
  readonly #numbers: BigInt64Array
  readonly #body: Uint8Array

  constructor(words: Int32Array) {
    this.words = words
    this.#numbers = new BigInt64Array(words.buffer, words.byteOffset, cells.count / 2)
    this.#body = new Uint8Array(words.buffer, words.byteOffset + cells.count * 4, bodyBytes)
  }

  get state(): number {
    return Atomics.load(this.words, cells.state)
  }

  /** @returns whether the other side is still there */
  pass(from: number, to: number): boolean {
    if (Atomics.compareExchange(this.words, cells.state, from, to) !== from) return false
    Atomics.notify(this.words, cells.state)
    return true
  }

  /** @returns whether it fits */
  write(method: number, key: Uint8Array, value: Uint8Array | null, number: bigint): boolean {
    const valueBytes = value?.length ?? none
    if (key.length + (value?.length ?? 0) > bodyBytes) return false
    this.words[cells.method] = method
    this.words[cells.keyBytes] = key.length
    this.words[cells.valueBytes] = valueBytes
    this.#numbers[cells.number / 2] = number
    this.#body.set(key)
    if (value !== null) this.#body.set(value, key.length)
    return true
  }

  /** Copies: the memory is the other side's again at any moment. @returns null where lengths are none */
  read(): { method: number; key: Uint8Array; value: Uint8Array | null; number: bigint } | null {
    const [method = 0, keyBytes = 0] = [this.words[cells.method], this.words[cells.keyBytes]]
    const valueBytes = this.words[cells.valueBytes] ?? none
    const number = this.#numbers[cells.number / 2] ?? 0n
    if (keyBytes < 0 || valueBytes < none || keyBytes + Math.max(0, valueBytes) > bodyBytes) return null
    const key = this.#body.slice(0, keyBytes)
    const value = valueBytes === none ? null : this.#body.slice(keyBytes, keyBytes + valueBytes)
    return { method, key, value, number }
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const nothing = new Uint8Array(0)

export class SharedLineClient {
  readonly #line: Line
  readonly #bell: Int32Array
  readonly #patience = new Patience()

  constructor(words: Int32Array, bell: Int32Array) {
    this.#line = new Line(words)
    this.#bell = bell
  }

  get isClosed(): boolean {
    return this.#line.state === states.closed
  }

  /** Sleeps until it is answered. @returns null where whoever answers is gone: whether it was done is not known */
  ask({ method, key, value, number }: LineQuestion): LineAnswer | null {
    if (!this.#line.write(method, encoder.encode(key), value, number)) return longWay
    if (!this.#line.pass(states.idle, states.asked)) return longWay
    ring(this.#bell)
    if (!this.#patience.look(() => this.#line.state !== states.asked))
      while (this.#line.state === states.asked) Atomics.wait(this.#line.words, cells.state, states.asked)
    const answer = this.#line.read()
    if (answer === null || !this.#line.pass(states.answered, states.idle)) return null
    return { outcome: outcomes[answer.method] ?? 'refused', number: answer.number, value: answer.value }
  }
}

const longWay: LineAnswer = { outcome: 'long-way', number: 0n, value: null }

export class SharedLineServer {
  readonly #line: Line

  constructor(words: Int32Array) {
    this.#line = new Line(words)
  }

  /** @returns null where nothing was asked; what is asked is given again until it is answered */
  take(): LineQuestion | null {
    if (this.#line.state !== states.asked) return null
    const asked = this.#line.read()
    if (asked !== null) return { ...asked, key: decoder.decode(asked.key) }
    this.answer({ outcome: 'refused', number: 0n, value: encoder.encode('a question that has no form') })
    return null
  }

  answer({ outcome, number, value }: LineAnswer): void {
    if (!this.#line.write(outcomes.indexOf(outcome), nothing, value, number))
      this.#line.write(outcomes.indexOf('long-way'), nothing, null, 0n)
    this.#line.pass(states.asked, states.answered)
  }

  close(): void {
    closeSharedLine(this.#line.words)
  }
}

/** For whoever knows that nobody answers any more: who waits is woken. */
export function closeSharedLine(words: Int32Array): void {
  Atomics.store(words, cells.state, states.closed)
  Atomics.notify(words, cells.state)
}
