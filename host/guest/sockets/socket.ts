/** What a TCP and a UDP socket of WASI 0.2 have in common: a family, addresses, and the sizes of its buffers. */
import type { PartContext } from '../part.ts'
import type { SocketAddress } from './address.ts'
import { fail } from './network.ts'
import { SocketOptions } from './socket-options.ts'
import type { Family } from './wire.ts'

export abstract class Socket {
  protected readonly context: PartContext
  protected readonly family: Family
  protected readonly options: SocketOptions
  protected readonly release: () => void
  protected local: SocketAddress | null = null
  protected remote: SocketAddress | null = null

  protected constructor(context: PartContext, family: Family, options = new SocketOptions()) {
    this.release = context.hold()
    this.context = context
    this.family = family
    this.options = options
  }

  localAddress(): SocketAddress {
    return known(this.local)
  }

  remoteAddress(): SocketAddress {
    return known(this.remote)
  }

  addressFamily(): Family {
    return this.family
  }

  receiveBufferSize(): bigint {
    return this.options.receiveBuffer
  }

  setReceiveBufferSize(value: bigint): void {
    this.options.receiveBuffer = value
  }

  sendBufferSize(): bigint {
    return this.options.sendBuffer
  }

  setSendBufferSize(value: bigint): void {
    this.options.sendBuffer = value
  }
}

/** @throws WitError `invalid-state` where there is none yet */
export function known(address: SocketAddress | null): SocketAddress {
  if (address === null) throw fail('invalid-state')
  return address
}
