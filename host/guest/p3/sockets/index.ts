/** wasi:sockets 0.3 inside a sandbox, over the same wire as 0.2, and under the same grants. */
import type { PartContext } from '../../part.ts'
import type { Family } from '../../sockets/wire.ts'
import { guestClass } from '../guest-class.ts'
import type { P3Imports, Waiting } from '../world.ts'
import { resolveAddresses } from './lookup.ts'
import type { SocketsWorld } from './socket.ts'
import { TcpSocket } from './tcp-socket.ts'
import { UdpSocket } from './udp-socket.ts'

export function createSockets(context: PartContext, waiting: Waiting): P3Imports {
  const world: SocketsWorld = { context, waiting }
  return {
    'wasi:sockets/types@0.3': {
      TcpSocket: guestClass(world, TcpSocket, {
        create: (family: Family) => TcpSocket.create(world, family),
      }),
      UdpSocket: guestClass(world, UdpSocket, {
        create: (family: Family) => UdpSocket.create(world, family),
      }),
    },
    'wasi:sockets/ip-name-lookup@0.3': {
      resolveAddresses: (name: string) => resolveAddresses(world, name),
    },
  }
}
