/**
 * The node's end of a channel: bytes and small messages in both directions between an interface's two halves, the
 * one in the sandbox and the one here. `GuestChannel` in host/guest/line.ts is the other end.
 */
export interface HostChannel {
  /** Bytes from the guest, in the pieces it wrote; asking for the next gives it credit for more. Ends with its end. */
  readonly incoming: AsyncIterable<Uint8Array>
  /** Resolves when the guest's window has room again: awaiting it is the back-pressure. Rejects when it is closed. */
  write(bytes: Uint8Array): Promise<void>
  /** No more bytes from here. @param failure the guest's stream ends with it instead of its plain end */
  end(failure?: { readonly message: string; readonly code?: unknown }): void
  /** The next message of the guest; null when there will be none. */
  receive(): Promise<unknown>
  send(message: unknown): void
  /** Aborted when the guest closed it, dropped it, or is gone. */
  readonly signal: AbortSignal
  /** Ends both directions. */
  close(): void
}
