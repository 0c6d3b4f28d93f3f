/**
 * Binds a guest's UDP socket so that it stays bound.
 *
 * A port that the system chose is given back by Linux when the socket is disconnected from its peer (`connect` with
 * AF_UNSPEC); one that was asked for is kept. So the port is asked for once it is known.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { WireAddress } from '../../guest/index.ts'

/** Between letting a port go and asking for it, another process may take it: then another one is tried. */
const maxAttempts = 5

/** @throws the system's error */
export async function bindDatagrams(local: WireAddress): Promise<Socket> {
  if (local.port !== 0) return bound(local)
  for (let attempt = 1; ; attempt += 1) {
    const chosen = await bound(local)
    const { port } = chosen.address()
    await new Promise<void>((resolve) => chosen.close(resolve))
    try {
      return await bound({ ...local, port })
    } catch (error) {
      if (attempt === maxAttempts || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}

async function bound({ family, host, port }: WireAddress): Promise<Socket> {
  const socket = createSocket(family === 'ipv6' ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' })
  try {
    socket.bind({ address: host, port, exclusive: true })
    await once(socket, 'listening')
    return socket
  } catch (error) {
    socket.close()
    throw error
  }
}
