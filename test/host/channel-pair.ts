/** Both ends of a channel in one thread, with a window each way: for the halves of an interface without a sandbox. */
import type { HostChannel } from '../../host/engine/index.ts'
import { StreamFailure, type GuestChannel } from '../../host/guest/index.ts'

const windowBytes = 256 * 1024

interface Failure {
  readonly message: string
  readonly code?: unknown
}

class Direction {
  pieces: Uint8Array[] = []
  messages: unknown[] = []
  size = 0
  ended = false
  failure: Failure | null = null

  end(failure: Failure | null): void {
    if (this.ended) return
    this.ended = true
    this.failure = failure
  }

  take(maxBytes: number): Uint8Array | undefined {
    const first = this.pieces.shift()
    if (first === undefined) return undefined
    const taken = first.subarray(0, maxBytes)
    if (taken.length < first.length) this.pieces.unshift(first.subarray(maxBytes))
    this.size -= taken.length
    return taken
  }
}

export interface ChannelPair {
  readonly guest: GuestChannel
  readonly host: HostChannel
  /** Messages and pieces sent so far by the guest. */
  readonly fromGuest: () => number
}

export function channelPair(): ChannelPair {
  const toGuest = new Direction()
  const toHost = new Direction()
  const gone = new AbortController()
  let closed = false
  let sent = 0
  const waiters: (() => void)[] = []
  const changed = (): void => {
    for (const wake of waiters.splice(0)) wake()
  }
  const until = (): Promise<void> => new Promise((resolve) => waiters.push(resolve))
  const close = (): void => {
    closed = true
    toGuest.end(null)
    toHost.end(null)
    changed()
  }
  const guest: GuestChannel = {
    source: {
      read(maxBytes) {
        const taken = toGuest.take(maxBytes)
        changed()
        if (taken !== undefined) return taken
        if (!toGuest.ended) return new Uint8Array(0)
        const failure = toGuest.failure
        toGuest.failure = null
        if (failure !== null) throw new StreamFailure(failure.message, failure.code)
        return null
      },
      ready: () => toGuest.size > 0 || toGuest.ended,
      close: () => {},
    },
    sink: {
      capacity: () => (toHost.ended || closed ? null : windowBytes - toHost.size),
      write(bytes) {
        sent += 1
        toHost.pieces.push(bytes.slice())
        toHost.size += bytes.length
        changed()
      },
      flush: () => {},
      ready: () => closed || toHost.ended || toHost.size < windowBytes,
      close() {
        toHost.end(null)
        changed()
      },
    },
    receive: () => toGuest.messages.shift(),
    ready: () => toGuest.messages.length > 0 || closed,
    send(message) {
      sent += 1
      if (!closed) toHost.messages.push(structuredClone(message))
      changed()
    },
    get isClosed() {
      return closed
    },
    close() {
      close()
      gone.abort()
    },
  }
  const host: HostChannel = {
    incoming: {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          const taken = toHost.take(Infinity)
          changed()
          if (taken !== undefined) yield taken
          else if (toHost.ended) return
          else await until()
        }
      },
    },
    async write(bytes) {
      // oxlint-disable-next-line no-unmodified-loop-condition -- the other end modifies it
      while (toGuest.size >= windowBytes && !closed) await until()
      if (closed) throw new Error('the channel is closed')
      toGuest.pieces.push(bytes)
      toGuest.size += bytes.length
      changed()
    },
    end(failure) {
      toGuest.end(failure ?? null)
      changed()
    },
    async receive() {
      for (;;) {
        if (toHost.messages.length > 0) return toHost.messages.shift()
        if (closed) return null
        await until()
      }
    },
    send(message) {
      if (!closed) toGuest.messages.push(structuredClone(message))
      changed()
    },
    signal: gone.signal,
    close,
  }
  return { guest, host, fromGuest: () => sent }
}
