/** What the calls of one guest share. */
import type { Waitable } from '../bytes.ts'
import type { DescriptorTable } from './descriptors.ts'
import type { GuestMemory } from './memory.ts'

export interface Preview1Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Milliseconds of performance.now(), the scale of `Waitable.dueAtMs`. */
  monotonicMs(): number
}

export interface CallContext {
  readonly memory: GuestMemory
  readonly descriptors: DescriptorTable
  readonly clock: Preview1Clock
  /** Strings as the guest reads them: UTF-8 with a NUL, environment as `NAME=value`. */
  readonly args: readonly Uint8Array[]
  readonly env: readonly Uint8Array[]
  random(length: number): Uint8Array
  wait(waitables: readonly Waitable[]): void
  /** Takes in what has arrived for its streams, without waiting. */
  look(): void
  exit(code: number): never
}

/** A function of the guest's import; what it throws as FileError is its errno, and returning is success. */
export type Call = (...args: never[]) => void
/** Numbers come as the guest's i32, which is signed in JavaScript; a table's calls get them unsigned. */
export type Calls = Readonly<Record<string, Call>>
