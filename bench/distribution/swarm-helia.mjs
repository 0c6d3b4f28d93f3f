// One peer that exchanges blocks by bitswap: prints `ready`, waits for the file `go`, prints `done MS` when it has
// everything. Every peer is connected to every other one before that, as our nodes are.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { withBitswap } from '@helia/bitswap'
import { withLibp2pLight } from '@helia/libp2p'
import { unixfs } from '@helia/unixfs'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createHeliaLight } from 'helia'
import { fixedSize } from 'ipfs-unixfs-importer/chunker'
import { CID } from 'multiformats/cid'

const order = JSON.parse(process.argv[2])
// With its own 10 s and blocks of 1 MiB it never ends here: a block to each of eight peers takes the seed's line longer.
const patienceMs = 120_000
const blockBytes = 256 * 1024
const helia = await withBitswap(
  withLibp2pLight(createHeliaLight(), {
    addresses: { listen: [`/ip4/${order.address}/tcp/4001`] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    connectionManager: { inboundConnectionThreshold: 100 },
  }),
  {
    incomingStreamTimeout: patienceMs,
    messageSendTimeout: patienceMs,
    messageReceiveTimeout: patienceMs,
    sendBlocksTimeout: patienceMs,
  },
).start()
const files = unixfs(helia)
const cidFile = `${order.go}.cid`
if (order.seed) {
  const cid = await files.addBytes(readFileSync(order.file), {
    chunker: fixedSize({ chunkSize: blockBytes }),
  })
  writeFileSync(`${cidFile}.part`, cid.toString())
  renameSync(`${cidFile}.part`, cidFile)
}
for (const peer of order.peers) {
  for (let tries = 0; ; tries += 1) {
    try {
      await helia.libp2p.dial(multiaddr(`/ip4/${peer}/tcp/4001`))
      break
    } catch (error) {
      if (tries === 100) throw error
      await sleep(200)
    }
  }
}
console.log('ready')
if (!order.seed) {
  while (!existsSync(order.go)) await sleep(10)
  const cid = CID.parse(readFileSync(cidFile, 'utf8'))
  let sizeBytes = 0
  for await (const chunk of files.cat(cid)) sizeBytes += chunk.length
  if (sizeBytes !== order.sizeBytes) throw new Error(`${sizeBytes} of ${order.sizeBytes} bytes came`)
  console.log(`done ${Date.now()}`)
}
setInterval(() => {}, 1_000)
