/**
 * wasi:io/streams and wasi:io/error 0.2 over sources and sinks.
 *
 * The text of the WIT is the specification, to the letter where guests rely on it: writing more than `check-write`
 * allowed traps, `blocking-write-and-flush` takes 4096 bytes, reading at the end is `closed` every time, and a
 * failure is told once.
 */
import { StreamFailure, type ByteSink, type ByteSource } from '../bytes.ts'
import type { HostLine } from '../line.ts'
import { dispose } from './dispose.ts'
import { Pollable } from './poll.ts'

/** Most bytes of one read: a guest may ask for 2^64. */
const maxReadBytes = 1024 * 1024
/** As the WIT says. */
const blockingWriteBytes = 4_096

export interface StreamNeeds {
  readonly line: HostLine
  hold(): () => void
}

/** The `error` resource of a stream that failed. */
export class IoError {
  readonly #failure: StreamFailure

  private constructor(failure: StreamFailure) {
    this.#failure = failure
  }

  static of(failure: StreamFailure): IoError {
    return new IoError(failure)
  }

  static failureOf(error: unknown): unknown {
    return error instanceof IoError ? error.#failure.code : undefined
  }

  toDebugString(): string {
    return this.#failure.message
  }
}

/** Not an Error: a guest that reads to the end of everything makes many, and nobody sees its stack. */
const closed = { payload: { tag: 'closed' } }

function failed(error: unknown): unknown {
  return error instanceof StreamFailure
    ? { payload: { tag: 'last-operation-failed', val: IoError.of(error) } }
    : error
}

export class InputStream {
  readonly #source: ByteSource
  readonly #needs: StreamNeeds
  readonly #release: () => void

  private constructor(source: ByteSource, needs: StreamNeeds) {
    this.#release = needs.hold()
    this.#source = source
    this.#needs = needs
  }

  static of(source: ByteSource, needs: StreamNeeds): InputStream {
    return new InputStream(source, needs)
  }

  read(length: bigint): Uint8Array {
    const bytes = this.#take(length)
    if (bytes.length > 0 || length === 0n || this.#source.ready()) return bytes
    this.#needs.line.poll()
    return this.#take(length)
  }

  blockingRead(length: bigint): Uint8Array {
    if (length === 0n) return this.#take(length)
    for (;;) {
      const bytes = this.#take(length)
      if (bytes.length > 0) return bytes
      this.#needs.line.wait([this.#source])
    }
  }

  skip(length: bigint): bigint {
    return BigInt(this.read(length).length)
  }

  blockingSkip(length: bigint): bigint {
    return BigInt(this.blockingRead(length).length)
  }

  subscribe(): Pollable {
    return Pollable.create(this.#source, this.#needs.line, this.#needs.hold())
  }

  [dispose](): void {
    this.#source.close()
    this.#release()
  }

  #take(length: bigint): Uint8Array {
    let bytes: Uint8Array | null
    try {
      bytes = this.#source.read(length > maxReadBytes ? maxReadBytes : Number(length))
    } catch (error) {
      throw failed(error)
    }
    if (bytes === null) throw closed
    return bytes
  }
}

export class OutputStream {
  readonly #sink: ByteSink
  readonly #needs: StreamNeeds
  readonly #release: () => void
  /** What the last `check-write` allowed and has not been written since. */
  #permit = 0

  private constructor(sink: ByteSink, needs: StreamNeeds) {
    this.#release = needs.hold()
    this.#sink = sink
    this.#needs = needs
  }

  static of(sink: ByteSink, needs: StreamNeeds): OutputStream {
    return new OutputStream(sink, needs)
  }

  checkWrite(): bigint {
    this.#permit = this.#capacity()
    if (this.#permit === 0) {
      this.#needs.line.poll()
      this.#permit = this.#capacity()
    }
    return BigInt(this.#permit)
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > this.#permit)
      throw new Error(`a guest wrote ${bytes.length} bytes where check-write allowed ${this.#permit}`)
    this.#permit -= bytes.length
    // It may have been closed since it was asked.
    this.#capacity()
    this.#put(bytes)
  }

  blockingWriteAndFlush(bytes: Uint8Array): void {
    if (bytes.length > blockingWriteBytes)
      throw new Error(`blocking-write-and-flush takes ${blockingWriteBytes} bytes, not ${bytes.length}`)
    this.#putAll(bytes)
    this.blockingFlush()
  }

  flush(): void {
    this.#capacity()
    this.#sink.flush()
    this.#permit = 0
  }

  blockingFlush(): void {
    this.flush()
    this.#needs.line.wait([this.#sink])
    this.#capacity()
  }

  subscribe(): Pollable {
    return Pollable.create(this.#sink, this.#needs.line, this.#needs.hold())
  }

  writeZeroes(length: bigint): void {
    if (length > BigInt(this.#permit))
      throw new Error(`a guest wrote ${length} bytes where check-write allowed ${this.#permit}`)
    this.write(new Uint8Array(Number(length)))
  }

  blockingWriteZeroesAndFlush(length: bigint): void {
    if (length > BigInt(blockingWriteBytes))
      throw new Error(`blocking-write-zeroes-and-flush takes ${blockingWriteBytes} bytes, not ${length}`)
    this.#putAll(new Uint8Array(Number(length)))
    this.blockingFlush()
  }

  splice(source: InputStream, length: bigint): bigint {
    const room = this.checkWrite()
    const bytes = source.read(room < length ? room : length)
    this.write(bytes)
    return BigInt(bytes.length)
  }

  blockingSplice(source: InputStream, length: bigint): bigint {
    if (this.#capacity() === 0) this.#needs.line.wait([this.#sink])
    const room = this.checkWrite()
    const bytes = source.blockingRead(room < length ? room : length)
    this.write(bytes)
    return BigInt(bytes.length)
  }

  [dispose](): void {
    this.#sink.close()
    this.#release()
  }

  #putAll(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const room = this.#capacity()
      if (room === 0) {
        this.#needs.line.wait([this.#sink])
        continue
      }
      this.#put(bytes.subarray(at, at + room))
      at += room
    }
  }

  #put(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    try {
      this.#sink.write(bytes)
    } catch (error) {
      throw failed(error)
    }
  }

  /** @throws the WIT's stream-error */
  #capacity(): number {
    let room: number | null
    try {
      room = this.#sink.capacity()
    } catch (error) {
      throw failed(error)
    }
    if (room === null) throw closed
    return room
  }
}
