/** The part of `tcp-socket` 0.3 that a guest sets and reads back, whatever its state. */
import { asWit } from './error-code.ts'
import { Socket } from './socket.ts'

export abstract class TcpOptions extends Socket {
  getKeepAliveEnabled(): boolean {
    return this.options.keepAliveEnabled
  }

  setKeepAliveEnabled(value: boolean): void {
    this.options.keepAliveEnabled = value
  }

  getKeepAliveIdleTime(): bigint {
    return this.options.idle
  }

  setKeepAliveIdleTime(value: bigint): void {
    asWit(() => (this.options.idle = value))
  }

  getKeepAliveInterval(): bigint {
    return this.options.interval
  }

  setKeepAliveInterval(value: bigint): void {
    asWit(() => (this.options.interval = value))
  }

  getKeepAliveCount(): number {
    return this.options.count
  }

  setKeepAliveCount(value: number): void {
    asWit(() => (this.options.count = value))
  }

  getHopLimit(): number {
    return this.options.hopLimit
  }

  setHopLimit(value: number): void {
    asWit(() => (this.options.hopLimit = value))
  }
}
