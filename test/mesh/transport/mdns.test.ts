/** Real multicast on whatever network this machine has; a sandbox without one skips it and says so. */
import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import type { NodeId } from '../../../mesh/transport/index.ts'
import { TestNodes, until } from './nodes.ts'

const nodes = new TestNodes()
afterEach(() => nodes.stopAll())

/** Whether what is sent to the group comes back to this machine. */
async function hasMulticast(): Promise<boolean> {
  const isConnected = Object.values(networkInterfaces()).some((list) =>
    list?.some(({ internal }) => !internal),
  )
  if (!isConnected) return false
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    return await new Promise<boolean>((resolve) => {
      socket.on('error', () => resolve(false)).on('message', () => resolve(true))
      setTimeout(() => resolve(false), 2_000)
      socket.bind(0, () => {
        try {
          socket.addMembership('224.0.0.251')
          socket.setMulticastLoopback(true)
          socket.send('selvedge', socket.address().port, '224.0.0.251')
        } catch {
          resolve(false)
        }
      })
    })
  } finally {
    socket.close()
  }
}

const isPossible = await hasMulticast()

test.skipIf(!isPossible)(
  `two nodes on one network find each other by mDNS${isPossible ? '' : ' (this machine has no multicast)'}`,
  async () => {
    const options = { mdns: true, listen: ['/ip4/0.0.0.0/tcp/0'] }
    const [a, b] = [nodes.make('mdns a', options), nodes.make('mdns b', options)]
    const found = new Map<NodeId, readonly string[]>()
    for (const node of [a, b]) {
      node.on('peer:found', ({ peer, addresses }) => found.set(peer, addresses))
      await node.start?.()
    }
    // The later one asks when it starts; the earlier one asks again every ten seconds.
    await until(() => found.has(a.self) || found.has(b.self), 'the first to be found')
    const [finder, seen] = found.has(a.self) ? [b, a] : [a, b]
    await finder.dial([...(found.get(seen.self) ?? [])], AbortSignal.timeout(60_000))
    await until(() => seen.peers().includes(finder.self), 'the connection')
    expect(finder.peers()).toEqual([seen.self])
  },
)
