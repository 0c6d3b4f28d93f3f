/** What a TCP and a UDP socket of WASI 0.3 have in common: a family, addresses, and the sizes of its buffers. */
import type { PartContext } from '../../part.ts'
import type { SocketAddress } from '../../sockets/address.ts'
import { known } from '../../sockets/socket.ts'
import { SocketOptions } from '../../sockets/socket-options.ts'
import type { Family } from '../../sockets/wire.ts'
import type { Waiting } from '../world.ts'
import { asWit } from './error-code.ts'

export interface SocketsWorld {
  readonly context: PartContext
  readonly waiting: Waiting
}

/** All of its functions throw WitError with `error-code` as `payload` for what their WIT declares. */
export abstract class Socket {
  protected readonly world: SocketsWorld
  protected readonly family: Family
  protected readonly options: SocketOptions
  protected readonly release: () => void
  protected local: SocketAddress | null = null
  protected remote: SocketAddress | null = null

  protected constructor(world: SocketsWorld, family: Family, options = new SocketOptions()) {
    this.release = world.context.hold()
    this.world = world
    this.family = family
    this.options = options
  }

  getLocalAddress(): SocketAddress {
    return asWit(() => known(this.local))
  }

  getRemoteAddress(): SocketAddress {
    return asWit(() => known(this.remote))
  }

  getAddressFamily(): Family {
    return this.family
  }

  getReceiveBufferSize(): bigint {
    return this.options.receiveBuffer
  }

  setReceiveBufferSize(value: bigint): void {
    asWit(() => (this.options.receiveBuffer = value))
  }

  getSendBufferSize(): bigint {
    return this.options.sendBuffer
  }

  setSendBufferSize(value: bigint): void {
    asWit(() => (this.options.sendBuffer = value))
  }
}

/** Any address of this family, and any free port. */
export function anyAddress(family: Family): SocketAddress {
  return family === 'ipv4'
    ? { tag: 'ipv4', val: { port: 0, address: [0, 0, 0, 0] } }
    : { tag: 'ipv6', val: { port: 0, flowInfo: 0, address: [0, 0, 0, 0, 0, 0, 0, 0], scopeId: 0 } }
}
