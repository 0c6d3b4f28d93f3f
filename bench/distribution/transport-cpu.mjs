// One end of a line over loopback: `{"end":"sender"|"receiver","security":"none"|"noise"|"tls","address","bytes"}`.
// The sender prints `ready ADDRESS`; both print `cpu MS` of their process for the bytes when the receiver has them,
// which hashes them in pieces as large as our chunks.
import { createHash } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { tls } from '@libp2p/tls'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const order = JSON.parse(process.argv[2])
const protocol = '/bench/bytes/1'
const chunkBytes = 64 * 1024
const sendBytes = 256 * 1024
const windowBytes = 2 * 1024 * 1024
/** So that what is compiled and connected first is not counted. */
const warmUpBytes = 16 * 1024 * 1024
const filling = createHash('sha512').update('filling').digest()
const piece = Buffer.alloc(sendBytes, filling)

/** Hashes as chunks are: whole pieces. */
class Verifier {
  seen = 0
  hash = createHash('sha256')
  inChunk = 0
  take(bytes) {
    this.seen += bytes.length
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + chunkBytes - this.inChunk)
      this.hash.update(part)
      this.inChunk += part.length
      at += part.length
      if (this.inChunk === chunkBytes) {
        this.hash.digest()
        this.hash = createHash('sha256')
        this.inChunk = 0
      }
    }
  }
}

const total = warmUpBytes + order.bytes
let started = null
const begin = () => {
  started ??= process.cpuUsage()
}
const report = () => {
  const { user, system } = process.cpuUsage(started)
  console.log(`cpu ${(user + system) / 1_000}`)
}
const verifier = new Verifier()
const take = (bytes) => {
  verifier.take(bytes)
  if (verifier.seen >= warmUpBytes) begin()
  if (verifier.seen < total) return
  report()
  process.exit(0)
}

async function node(listen) {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp()],
    connectionEncrypters: [order.security === 'tls' ? tls() : noise()],
    streamMuxers: [yamux({ streamOptions: { maxStreamWindowSize: windowBytes } })],
  })
}

/** @param send takes a piece, resolves when the next one may come */
async function pour(send) {
  for (let sent = 0; sent < total; sent += piece.length) {
    if (sent >= warmUpBytes) begin()
    await send(piece)
  }
}

if (order.security === 'none') {
  if (order.end === 'sender') {
    const server = createServer(async (socket) => {
      socket.on('close', () => (report(), process.exit(0)))
      socket.on('error', () => {})
      socket.resume()
      await pour(
        (bytes) =>
          new Promise((resolve) => (socket.write(bytes) ? resolve() : socket.once('drain', resolve))),
      )
    })
    server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`))
  } else connect(Number(order.address), '127.0.0.1').on('data', take)
} else if (order.end === 'sender') {
  const libp2p = await node(['/ip4/127.0.0.1/tcp/0'])
  await libp2p.handle(protocol, async (stream) => {
    libp2p.addEventListener('peer:disconnect', () => (report(), process.exit(0)))
    await pour(async (bytes) => {
      // Not `onDrain`: its promise is made once, and stays resolved.
      if (!stream.send(bytes))
        await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
    })
  })
  console.log(`ready ${libp2p.getMultiaddrs()[0]}`)
} else {
  const libp2p = await node([])
  const stream = await libp2p.dialProtocol(multiaddr(order.address), protocol)
  for await (const bytes of stream) take(bytes.subarray())
}
