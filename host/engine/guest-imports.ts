/**
 * The imports of a guest, on its own thread: each call of a granted interface becomes a message to the node's
 * thread, and where a result is due the guest sleeps until it is there.
 */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads'
import { WitError, type CallMode, type InterfaceId } from './contract.ts'
import { HostFault } from './guest-ends.ts'
import { camelCase, parseInterface } from './interface-id.ts'
import {
  cells,
  type FromSandbox,
  type HostReply,
  type SandboxInterface,
  type SandboxLimits,
} from './sandbox-protocol.ts'
import { assertBounded } from './values.ts'
import type { GuestImports } from './wasi.ts'

type AnyFunction = (...args: unknown[]) => unknown

/** The guest's end of the line to its host. */
export class HostLine {
  readonly #send: (message: FromSandbox) => void
  readonly #replies: MessagePort
  readonly #cells: Int32Array
  readonly #limits: SandboxLimits
  #tokens: number
  #tokensAt = performance.now()

  constructor(
    send: (message: FromSandbox) => void,
    replies: MessagePort,
    shared: SharedArrayBuffer,
    limits: SandboxLimits,
  ) {
    this.#send = send
    this.#replies = replies
    this.#cells = new Int32Array(shared)
    this.#limits = limits
    this.#tokens = limits.postsPerSecond
  }

  /** Sleeps until the host has answered. A host that never does is bounded by the deadline of the call. */
  call(id: InterfaceId, name: string, args: readonly unknown[]): unknown {
    assertBounded(args, this.#limits.valueBytes)
    this.#send({ type: 'host-call', id, name, args })
    for (;;) {
      const seen = Atomics.load(this.#cells, cells.replies)
      const received = receiveMessageOnPort(this.#replies) as { message: HostReply } | undefined
      if (received === undefined) {
        Atomics.wait(this.#cells, cells.replies, seen)
        continue
      }
      if (received.message.kind === 'err') throw new WitError(received.message.payload)
      return received.message.value
    }
  }

  /** Drops and counts the message when too many are under way, or came within a second. */
  post(message: Extract<FromSandbox, { type: 'post' | 'line' }>): void {
    if ('args' in message) assertBounded(message.args, this.#limits.valueBytes)
    const underWay =
      (Atomics.load(this.#cells, cells.postsSent) - Atomics.load(this.#cells, cells.postsDone)) | 0
    if (underWay >= this.#limits.postsInFlight || !this.#takeToken()) {
      Atomics.add(this.#cells, cells.postsDropped, 1)
      return
    }
    Atomics.add(this.#cells, cells.postsSent, 1)
    this.#send(message)
  }

  #takeToken(): boolean {
    const now = performance.now()
    const rate = this.#limits.postsPerSecond
    this.#tokens = Math.min(rate, this.#tokens + ((now - this.#tokensAt) / 1_000) * rate)
    this.#tokensAt = now
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }
}

/** The granted interfaces as the glue asks for them, by path without version. */
export function bindInterfaces(interfaces: readonly SandboxInterface[], line: HostLine): GuestImports {
  return Object.fromEntries(
    interfaces.map(({ id, functions }) => [
      parseInterface(id).path,
      Object.fromEntries(functions.map(({ name, mode }) => [camelCase(name), remote(line, id, name, mode)])),
    ]),
  )
}

function remote(line: HostLine, id: InterfaceId, name: string, mode: CallMode): AnyFunction {
  return mode === 'call'
    ? (...args) => line.call(id, name, args)
    : (...args) => line.post({ type: 'post', id, name, args })
}

/**
 * Wraps every function so that a promise ends the guest: jco's synchronous glue would take it for a value and
 * let the guest go on with nonsense. Classes (WIT resources) are passed as they are.
 */
export function refusePromises(imports: GuestImports): GuestImports {
  return Object.fromEntries(
    Object.entries(imports).map(([path, functions]) => [
      path,
      Object.fromEntries(Object.entries(functions).map(([name, item]) => [name, guarded(path, name, item)])),
    ]),
  )
}

function guarded(path: string, name: string, item: unknown): unknown {
  if (typeof item !== 'function' || /^[A-Z]/.test(name)) return item
  return (...args: unknown[]) => {
    const result = (item as AnyFunction)(...args)
    if (result === null || typeof result !== 'object' || !('then' in result)) return result
    if (result instanceof Promise) result.catch(() => {})
    throw new HostFault(`${path} ${name} returned a promise to a guest that cannot wait for one`)
  }
}
