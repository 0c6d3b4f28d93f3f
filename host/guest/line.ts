/**
 * A guest's line to its host, as interfaces in the sandbox see it: calls that answer, posts that do not, channels
 * for what streams, and the one way to wait.
 */
import type { ByteSink, ByteSource, Waitable } from './bytes.ts'

export interface HostLine {
  /** Asks the node's side of an interface and sleeps until it has answered. @throws WitError, HostFault */
  call(id: string, name: string, args: readonly unknown[]): unknown
  /** Tells it something; dropped and counted above a rate. */
  post(id: string, name: string, args: readonly unknown[]): void
  /** Opens a channel to the node's side of an interface. @throws HostFault when the guest holds too many */
  open(id: string, name: string, args: readonly unknown[]): GuestChannel
  /**
   * Sleeps until one of these is ready; what arrives from the host meanwhile is put where it belongs. With the
   * deadline of the invocation outside, it may wait as long as it likes.
   */
  wait(waitables: readonly Waitable[]): void
  /**
   * `wait` for a guest whose thread goes back to its event loop instead of sleeping (WASI 0.3): resolves once it is
   * ready, at once where it is.
   */
  whenReady?(waitable: Waitable): Promise<void>
  /** Runs what sleeps otherwise than by this line: that time is not the guest's. */
  asleep<Result>(run: () => Result): Result
  /** Takes in what has arrived, without sleeping: for a `ready` that is asked again and again. */
  poll(): void
  /**
   * Has `run` called whenever `wait` is about to sleep, before what is queued for the node goes out: for a part that
   * holds something back in the hope of sending less.
   */
  beforeSleep?(run: () => void): void
}

/**
 * Bytes and small messages in both directions, each with its own end and its own credit: a side that does not read
 * stops the other from writing, and neither ever holds more than a window.
 */
export interface GuestChannel extends Waitable {
  readonly source: ByteSource
  readonly sink: ByteSink
  /** The next message from the host; undefined where none is there (yet: see `isClosed`). */
  receive(): unknown
  /** Whether `receive` has something, or the host has closed. */
  ready(): boolean
  send(message: unknown): void
  readonly isClosed: boolean
  /** Ends both directions; what was written still arrives. @param failure tells the host that it was given up */
  close(failure?: string): void
}
