/** The two resources of wasi:sockets/udp 0.2 through which a bound socket's datagrams come and go. */
import { dispose } from '../io/index.ts'
import type { PartContext } from '../part.ts'
import type { SocketAddress } from './address.ts'
import { goalOf, type Datagrams, type IncomingDatagram } from './datagrams.ts'
import { datagramWindow, type Family } from './wire.ts'

interface OutgoingDatagram {
  readonly data: Uint8Array
  readonly remoteAddress: SocketAddress | undefined
}

abstract class DatagramStream {
  protected readonly context: PartContext
  protected readonly datagrams: Datagrams
  /** Whom the socket was connected to when it was made. */
  protected readonly peer: SocketAddress | null
  readonly #release: () => void

  protected constructor(context: PartContext, datagrams: Datagrams, peer: SocketAddress | null) {
    this.#release = context.hold()
    this.context = context
    this.datagrams = datagrams
    this.peer = peer
  }

  [dispose](): void {
    this.#release()
  }
}

export class IncomingDatagramStream extends DatagramStream {
  static of(context: PartContext, datagrams: Datagrams, peer: SocketAddress | null): IncomingDatagramStream {
    return new IncomingDatagramStream(context, datagrams, peer)
  }

  receive(most: bigint): IncomingDatagram[] {
    if (most === 0n) return []
    return this.datagrams.receive(most > BigInt(datagramWindow) ? datagramWindow : Number(most), this.peer)
  }

  subscribe(): object {
    return this.context.io.pollable({ ready: () => this.datagrams.canReceive() })
  }
}

export class OutgoingDatagramStream extends DatagramStream {
  #family: Family = 'ipv4'
  #permit = 0

  static of(
    context: PartContext,
    datagrams: Datagrams,
    peer: SocketAddress | null,
    family: Family,
  ): OutgoingDatagramStream {
    const made = new OutgoingDatagramStream(context, datagrams, peer)
    made.#family = family
    return made
  }

  checkSend(): bigint {
    this.#permit = this.datagrams.room()
    return BigInt(this.#permit)
  }

  /** @returns how many were sent before the first that could not be. @throws WitError where that is the first */
  send(datagrams: readonly OutgoingDatagram[]): bigint {
    if (datagrams.length > this.#permit) {
      throw new Error(`a guest sent ${datagrams.length} datagrams where check-send allowed ${this.#permit}`)
    }
    let sent = 0
    for (const { data, remoteAddress } of datagrams) {
      try {
        this.datagrams.send(data, goalOf(remoteAddress, this.peer, this.#family))
      } catch (error) {
        if (sent === 0) throw error
        break
      }
      sent += 1
      this.#permit -= 1
    }
    return BigInt(sent)
  }

  subscribe(): object {
    return this.context.io.pollable({ ready: () => this.datagrams.canSend() })
  }
}
