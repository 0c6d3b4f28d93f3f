/**
 * What a guest may set on a socket. Values are kept and given back; of TCP's, Node.js lets a host set no more than
 * keep-alive and its idle time, and the rest are the kernel's own, as the WIT leaves hosts free to round.
 */
import { fail } from './network.ts'

const nanosecondsPerSecond = 1_000_000_000n

export class SocketOptions {
  keepAliveEnabled = false
  /** Nanoseconds, as Linux begins with. */
  #idle = 7_200n * nanosecondsPerSecond
  #interval = 75n * nanosecondsPerSecond
  #count = 9
  #hopLimit = 64
  #receiveBuffer = 65_536n
  #sendBuffer = 65_536n

  copy(): SocketOptions {
    const copy = new SocketOptions()
    copy.keepAliveEnabled = this.keepAliveEnabled
    copy.#idle = this.#idle
    copy.#interval = this.#interval
    copy.#count = this.#count
    copy.#hopLimit = this.#hopLimit
    copy.#receiveBuffer = this.#receiveBuffer
    copy.#sendBuffer = this.#sendBuffer
    return copy
  }

  get keepAliveMs(): number | null {
    return this.keepAliveEnabled ? Math.min(Number(this.#idle / 1_000_000n), 0x7fff_ffff) : null
  }

  get idle(): bigint {
    return this.#idle
  }

  set idle(value: bigint) {
    this.#idle = positive(value)
  }

  get interval(): bigint {
    return this.#interval
  }

  set interval(value: bigint) {
    this.#interval = positive(value)
  }

  get count(): number {
    return this.#count
  }

  set count(value: number) {
    this.#count = positive(value)
  }

  get hopLimit(): number {
    return this.#hopLimit
  }

  set hopLimit(value: number) {
    this.#hopLimit = positive(value)
  }

  get receiveBuffer(): bigint {
    return this.#receiveBuffer
  }

  set receiveBuffer(value: bigint) {
    this.#receiveBuffer = positive(value)
  }

  get sendBuffer(): bigint {
    return this.#sendBuffer
  }

  set sendBuffer(value: bigint) {
    this.#sendBuffer = positive(value)
  }
}

/** @throws WitError `invalid-argument` for 0 */
function positive<Value extends number | bigint>(value: Value): Value {
  if (value <= 0) throw fail('invalid-argument')
  return value
}
