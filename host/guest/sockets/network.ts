/** What the interfaces of wasi:sockets share inside a sandbox: the network, its errors, and asking the node. */
import { dispose } from '../io/index.ts'
import type { GuestChannel } from '../line.ts'
import type { PartContext } from '../part.ts'
import { WitError } from '../wit-error.ts'
import {
  networkErrorCodes,
  socketsId,
  type NetworkErrorCode,
  type NetworkUse,
  type WireAddress,
  type WireOpened,
} from './wire.ts'

/** The one network there is: what the grants make of it. */
export class Network {
  readonly #release: () => void

  private constructor(release: () => void) {
    this.#release = release
  }

  static of(context: PartContext): Network {
    return new Network(context.hold())
  }

  [dispose](): void {
    this.#release()
  }
}

export function fail(code: NetworkErrorCode): WitError {
  return new WitError(code)
}

/** @throws WitError `access-denied`, at once rather than when the operation is finished */
export function checkGranted(context: PartContext, use: NetworkUse, address: WireAddress | string): void {
  context.line.call(socketsId, 'check', [use, address])
}

/** The error of a socket's stream as the network's; undefined for what is none. */
export function networkErrorOf(context: PartContext, error: unknown): NetworkErrorCode | undefined {
  const code = context.io.failureOf(error)
  return networkErrorCodes.find((known) => known === code)
}

/**
 * The next message, without waiting.
 * @throws WitError `would-block` where none is there, `unknown` where there will be none
 */
export function takeMessage(channel: GuestChannel, context: PartContext): unknown {
  let message = channel.receive()
  if (message === undefined) {
    // A guest may ask again and again instead of waiting: what has arrived must be seen.
    context.line.poll()
    message = channel.receive()
  }
  if (message !== undefined) return message
  throw fail(channel.isClosed ? 'unknown' : 'would-block')
}

/**
 * Sleeps until the node has bound a socket: no traffic is in it. The text lets binding be in progress, but libraries
 * with an interface as POSIX has it take a socket for broken that does not block and whose bind would.
 */
export function untilBound(channel: GuestChannel, { line }: PartContext): void {
  line.wait([channel])
}

/**
 * What the node says first through a channel that it opened for a socket.
 * @throws WitError with what went wrong; the channel is closed then
 */
export function openedBy(channel: GuestChannel, message: unknown): Extract<WireOpened, { ok: true }> {
  const opened = message as WireOpened
  if (opened.ok) return opened
  channel.close()
  throw fail(opened.error)
}
