/** `request-options`: how long a guest will wait for an outgoing request, in nanoseconds. */
import { Resource } from './resource.ts'

export class RequestOptions extends Resource {
  #connectTimeout: bigint | undefined
  #firstByteTimeout: bigint | undefined
  #betweenBytesTimeout: bigint | undefined

  connectTimeout(): bigint | undefined {
    return this.#connectTimeout
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#connectTimeout = duration
  }

  firstByteTimeout(): bigint | undefined {
    return this.#firstByteTimeout
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#firstByteTimeout = duration
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#betweenBytesTimeout
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#betweenBytesTimeout = duration
  }
}
