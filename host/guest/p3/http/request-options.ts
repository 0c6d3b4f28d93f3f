/** `wasi:http/types.request-options` 0.3: three timeouts, in nanoseconds, that become immutable with their request. */
import { Resource, type HttpWorld } from '../../http/resource.ts'
import { WitError } from '../../wit-error.ts'

type Timeout = bigint | undefined

export interface Timeouts {
  connect?: Timeout
  firstByte?: Timeout
  betweenBytes?: Timeout
}

export class RequestOptions extends Resource {
  readonly timeouts: Timeouts
  readonly #isMutable: boolean

  constructor(world: HttpWorld, timeouts: Timeouts = {}, isMutable = true) {
    super(world)
    this.timeouts = timeouts
    this.#isMutable = isMutable
  }

  getConnectTimeout(): Timeout {
    return this.timeouts.connect
  }

  setConnectTimeout(duration: Timeout): void {
    this.#mutable().connect = duration
  }

  getFirstByteTimeout(): Timeout {
    return this.timeouts.firstByte
  }

  setFirstByteTimeout(duration: Timeout): void {
    this.#mutable().firstByte = duration
  }

  getBetweenBytesTimeout(): Timeout {
    return this.timeouts.betweenBytes
  }

  setBetweenBytesTimeout(duration: Timeout): void {
    this.#mutable().betweenBytes = duration
  }

  clone(): RequestOptions {
    return new RequestOptions(this.world, { ...this.timeouts })
  }

  #mutable(): Timeouts {
    if (!this.#isMutable) throw new WitError({ tag: 'immutable' })
    return this.timeouts
  }
}
