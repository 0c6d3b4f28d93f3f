/** The blob store at a NATS server: the contract, and what becomes of it when the server is away. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../core/index.ts'
import { NatsBlobs } from '../../../../host/storage/drivers/nats/blobs.ts'
import { NatsServerConnection } from '../../../../host/storage/drivers/nats/connection.ts'
import { blobLimits } from '../../../../host/storage/index.ts'
import { describeBlobStore } from '../../../contract/blob-store.ts'
import { nats } from '../../../contract/servers/nats.ts'
import { hasProgram, ServerProcess } from '../../../contract/servers/server-process.ts'

const hasNats = hasProgram('nats-server')
const connections: NatsServerConnection[] = []
let server: ServerProcess
let stores = 0

beforeAll(async () => {
  if (hasNats) server = await ServerProcess.start(nats())
})
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close()
})
afterAll(() => server?.remove())

function connect(port: number): NatsServerConnection {
  const address = {
    url: `nats://127.0.0.1:${port}`,
    username: null,
    replicas: 1,
    password: async () => null,
    tls: async () => null,
  }
  const connection = new NatsServerConnection(address, systemClock, { pauseMs: 50 })
  connections.push(connection)
  return connection
}

it.skipIf(hasNats)('leaves NATS untested here: install nats-server', () => {})

if (hasNats) {
  describeBlobStore('at a NATS server', async (limits) =>
    NatsBlobs.open(connect(server.port), `blobs-${(stores += 1)}`, systemClock, limits),
  )
}

describe.skipIf(!hasNats)('a blob store at a NATS server', () => {
  it('has everything for another node, after the server was killed, and says so while it is away', async () => {
    const own = await ServerProcess.start(nats())
    try {
      const first = await NatsBlobs.open(connect(own.port), 'app', systemClock, blobLimits)
      await first.createContainer('box')
      const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251)
      const writer = await first.create()
      await writer.write(bytes.subarray(0, 200_000))
      await writer.write(bytes.subarray(200_000))
      await writer.commit('box', 'o')
      await own.stop('SIGKILL')
      await expect(first.hasObject('box', 'o')).rejects.toMatchObject({ code: 'ERR_STORAGE_FAILED' })
      await own.start()
      const second = await NatsBlobs.open(connect(own.port), 'app', systemClock, blobLimits)
      expect(second.held).toEqual({ items: 2, bytes: 300_000 })
      const reader = await second.read('box', 'o', 100n, 250_000n)
      const pieces: Uint8Array[] = []
      for await (const piece of reader.bytes) pieces.push(piece)
      await reader.close()
      expect(Buffer.concat(pieces).equals(bytes.subarray(100, 250_001))).toBe(true)
    } finally {
      await own.remove()
    }
  })
})
