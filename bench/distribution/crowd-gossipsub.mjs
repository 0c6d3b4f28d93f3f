// A child of this benchmark: a crowd of libp2p nodes with gossipsub at its defaults, built into a folder whose
// node_modules holds libp2p and gossipsub. Its type is none of ours: it is not among our packages.
import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { askCrowd } from './crowd.ts'

const topic = 'heads'

async function enter(_index, onHeard) {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { inboundConnectionThreshold: 1_000, maxIncomingPendingConnections: 100 },
    services: { identify: identify(), pubsub: gossipsub() },
  })
  const { pubsub } = node.services
  pubsub.subscribe(topic)
  pubsub.addEventListener('message', ({ detail }) => {
    if (detail.topic === topic) onHeard(new TextDecoder().decode(detail.data.subarray(1, 1 + detail.data[0])))
  })
  const [address] = node.getMultiaddrs()
  return {
    port: Number(/tcp\/(\d+)/.exec(address.toString())[1]),
    peer: node.peerId.toString(),
    async dial(through, { peer }) {
      await node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${through}/p2p/${peer}`), {
        signal: AbortSignal.timeout(20_000),
      })
    },
    neighbours: () => pubsub.getSubscribers(topic).length,
    publish(name, body) {
      const text = new TextEncoder().encode(name)
      const sent = pubsub.publish(topic, Uint8Array.of(text.length, ...text, ...body))
      sent.catch((error) => console.error(error.message))
    },
    stop: () => node.stop(),
  }
}

console.log(JSON.stringify(await askCrowd(JSON.parse(process.argv[2]), enter)))
process.exit(0)
