/**
 * wasi:sockets 0.2 inside a sandbox. It can always be imported, as many toolchains do so for everything they build;
 * without a grant whatever would reach a network is answered `access-denied`.
 */
import type { PartKind } from '../part.ts'
import { IncomingDatagramStream, OutgoingDatagramStream } from './datagram-streams.ts'
import { ResolveAddressStream } from './lookup.ts'
import { Network, networkErrorOf } from './network.ts'
import { TcpSocket } from './tcp.ts'
import { UdpSocket } from './udp.ts'
import { socketsPartName, type Family } from './wire.ts'

export const socketsPart: PartKind = {
  name: socketsPartName,
  create: (context) => ({
    imports: {
      'wasi:sockets/network': {
        Network,
        networkErrorCode: (error: unknown) => networkErrorOf(context, error),
      },
      'wasi:sockets/instance-network': { instanceNetwork: () => Network.of(context) },
      'wasi:sockets/ip-name-lookup': {
        ResolveAddressStream,
        resolveAddresses: (network: Network, name: string) =>
          ResolveAddressStream.start(context, network, name),
      },
      'wasi:sockets/tcp': { TcpSocket },
      'wasi:sockets/tcp-create-socket': {
        createTcpSocket: (family: Family) => TcpSocket.create(context, family),
      },
      'wasi:sockets/udp': { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream },
      'wasi:sockets/udp-create-socket': {
        createUdpSocket: (family: Family) => UdpSocket.create(context, family),
      },
    },
  }),
}
