/**
 * Where a guest's streams get their bytes from and put them: the two small contracts behind every
 * `wasi:io/streams` resource and every preview1 descriptor. A file, a pipe to the host, a buffer in memory: each
 * is one implementation, and none of them knows of WIT.
 *
 * Nothing here waits. A source or sink that is not ready says so; whoever must wait sleeps on the guest's line
 * (`line.ts`) until it is.
 */

/** What became of a stream that did not end well; a guest sees it as `last-operation-failed`. */
export class StreamFailure extends Error {
  override readonly name = 'StreamFailure'
  /** The package's own error code where it has one (a filesystem or http code), for `*-error-code`. */
  readonly code: unknown

  constructor(message: string, code?: unknown) {
    super(message)
    this.code = code
  }
}

export interface ByteSource {
  /**
   * @returns up to `maxBytes` bytes of its own (the caller may keep them); none where nothing is there yet; null
   * at the end, and then every time. @throws StreamFailure once, after that it is at its end
   */
  read(maxBytes: number): Uint8Array | null
  /** Whether `read` has something to say at once: bytes, the end, or a failure. */
  ready(): boolean
  /** The guest wants no more. May be called twice. */
  close(): void
}

export interface ByteSink {
  /** Bytes it takes now; 0 where the guest must wait; null where it takes no more ever. @throws StreamFailure once */
  capacity(): number | null
  /** At most what `capacity` said. The bytes are the guest's own memory: copy what is kept. */
  write(bytes: Uint8Array): void
  /** Begins to hand on what was written; `capacity` is 0 until that is done. */
  flush(): void
  /** Whether `capacity` would say something other than 0. */
  ready(): boolean
  /** The guest writes no more; what was written still goes out. May be called twice. */
  close(): void
}

/** Something a guest can wait for. */
export interface Waitable {
  ready(): boolean
  /** When it becomes ready by itself, in ms of performance.now(); absent where it waits for the host. */
  readonly dueAtMs?: number
  /** Told once that nobody waits for it any more. */
  dropped?(): void
}
