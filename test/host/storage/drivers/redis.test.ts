/** The key-value store at a Redis server: the contract, and what becomes of apps when the server is away. */
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../core/index.ts'
import { RedisConnection, type RedisTimes } from '../../../../host/storage/drivers/redis/connection.ts'
import { RedisStore } from '../../../../host/storage/drivers/redis/store.ts'
import { keyValueLimits, type KeyChange, type KeyValueLimits } from '../../../../host/storage/index.ts'
import { describeKeyValueStore } from '../../../contract/key-value-store.ts'
import { redis } from '../../../contract/servers/redis.ts'
import { freePort, hasProgram, ServerProcess } from '../../../contract/servers/server-process.ts'

const hasRedis = hasProgram('redis-server')
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const connections: RedisConnection[] = []
let server: ServerProcess
let stores = 0

beforeAll(async () => {
  if (hasRedis) server = await ServerProcess.start(redis())
})
afterEach(async () => {
  for (const connection of connections.splice(0)) await connection.close()
})
afterAll(() => server?.remove())

function connect(port: number, times: Partial<RedisTimes> = {}): RedisConnection {
  const address = {
    url: `redis://127.0.0.1:${port}`,
    username: null,
    password: async () => null,
    tls: async () => null,
  }
  const connection = new RedisConnection(address, systemClock, { pauseMs: 50, ...times })
  connections.push(connection)
  return connection
}

function storeAt(
  connection: RedisConnection,
  app = `app-${(stores += 1)}`,
  limits: KeyValueLimits = keyValueLimits,
): RedisStore {
  return new RedisStore(connection, app, limits)
}

async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

it.skipIf(hasRedis)('leaves Redis untested here: install redis-server', () => {})

if (hasRedis) {
  describeKeyValueStore('at a Redis server', async (limits) =>
    storeAt(connect(server.port), undefined, limits),
  )
}

describe.skipIf(!hasRedis)('a store at a Redis server', () => {
  it('is one for all nodes that name it, and keeps apps apart', async () => {
    const [here, there] = [storeAt(connect(server.port), 'shared'), storeAt(connect(server.port), 'shared')]
    await Promise.all(
      Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? here : there).increment('b', 'n', 1n)),
    )
    expect((await there.get('b', 'n'))?.value).toEqual(utf8('40'))
    expect(await storeAt(connect(server.port), 'other').get('b', 'n')).toBeNull()
    const [first, second] = await Promise.all([
      here.compareAndSwap('c', 'k', 0, utf8('here')),
      there.compareAndSwap('c', 'k', 0, utf8('there')),
    ])
    expect([first.swapped, second.swapped].filter(Boolean)).toHaveLength(1)
  })

  it('tells changes that another node makes, with keys and buckets of any characters', async () => {
    const [here, there] = [storeAt(connect(server.port), 'told'), storeAt(connect(server.port), 'told')]
    const heard: KeyChange[] = []
    here.onChange((change) => heard.push(change))
    await until(async () => {
      await there.set('b/*:{}', 'k\0ü', utf8('v'))
      return heard.length > 0
    }, 'the change')
    expect(heard[0]).toMatchObject({ bucket: 'b/*:{}', key: 'k\0ü', kind: 'set' })
  })

  it('has everything after the server was killed, and goes on by itself', async () => {
    const own = await ServerProcess.start(redis())
    try {
      const store = storeAt(connect(own.port))
      const heard: KeyChange[] = []
      store.onChange((change) => heard.push(change))
      for (let n = 0; n < 50; n += 1) await store.set('b', `k${n}`, utf8(String(n)))
      await own.stop('SIGKILL')
      const began = performance.now()
      await expect(store.get('b', 'k0')).rejects.toMatchObject({
        code: 'ERR_STORAGE_FAILED',
        message: expect.stringContaining(`127.0.0.1:${own.port}`),
      })
      expect(performance.now() - began).toBeLessThan(30_000)
      await own.start()
      await until(() => store.get('b', 'k0').then(Boolean, () => false), 'the return')
      expect(await store.usage()).toMatchObject({ keys: 50 })
      const before = heard.length
      await until(async () => {
        await store.set('b', 'k0', utf8('again'))
        return heard.length > before
      }, 'a change')
    } finally {
      await own.remove()
    }
  })

  it('says so within a bound where the server hangs, and where nothing answers', async () => {
    const own = await ServerProcess.start(redis())
    try {
      const store = storeAt(connect(own.port, { answerMs: 200, connectMs: 200 }))
      // On a busy machine the first connection may not be there in that time.
      await until(
        () =>
          store.set('b', 'k', utf8('v')).then(
            () => true,
            () => false,
          ),
        'the first write',
      )
      own.freeze()
      await expect(store.set('b', 'k', utf8('w'))).rejects.toMatchObject({
        code: 'ERR_STORAGE_FAILED',
        message: expect.stringContaining('did not answer in 200 ms'),
      })
      own.thaw()
      await until(() => store.get('b', 'k').then(Boolean, () => false), 'the return')
    } finally {
      await own.remove()
    }
    const nobody = storeAt(connect(await freePort()))
    await expect(nobody.get('b', 'k')).rejects.toMatchObject({ code: 'ERR_STORAGE_FAILED' })
    const silent = createServer()
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await expect(storeAt(connect(port, { connectMs: 200 })).get('b', 'k')).rejects.toMatchObject({
      code: 'ERR_STORAGE_FAILED',
      message: expect.stringContaining('no answer in 200 ms'),
    })
    silent.close()
  })

  it('asks a server that lets nobody listen again and again, by one connection', async () => {
    const own = await ServerProcess.start(redis())
    try {
      const connection = connect(own.port)
      await connection.command(['ACL', 'SETUSER', 'default', 'resetchannels'])
      const { cancel } = connection.listen('c', () => {})
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const clients = String(await connection.command(['CLIENT', 'LIST']))
        .trim()
        .split('\n')
      expect(clients.length).toBeLessThanOrEqual(2)
      await connection.command(['ACL', 'SETUSER', 'default', 'allchannels'])
      await until(async () => (await connection.command(['PUBLISH', 'c', 'x'])) === 1, 'somebody who listens')
      cancel()
      await until(async () => (await connection.command(['PUBLISH', 'c', 'x'])) === 0, 'the end')
    } finally {
      await own.remove()
    }
  })

  it('says what the server refuses: a password, memory, what is there under its names', async () => {
    const guarded = await ServerProcess.start(redis(['--requirepass', 'secret', '--maxmemory', '4mb']))
    try {
      await expect(storeAt(connect(guarded.port)).get('b', 'k')).rejects.toMatchObject({
        message: expect.stringContaining('wants a password'),
      })
      const address = {
        url: `redis://127.0.0.1:${guarded.port}`,
        username: null,
        password: async () => 'secret',
        tls: async () => null,
      }
      const connection = new RedisConnection(address, systemClock)
      connections.push(connection)
      const store = storeAt(connection, 'full')
      const fill = async (): Promise<void> => {
        for (let n = 0; n < 20; n += 1) await store.set('b', `k${n}`, new Uint8Array(500_000))
      }
      await expect(fill()).rejects.toMatchObject({
        code: 'ERR_STORAGE_FAILED',
        message: expect.stringContaining('no memory left'),
      })
      // What takes nothing more is still done.
      await store.delete('b', 'k0')
      expect(await store.exists('b', 'k0')).toBe(false)
      await connection.command(['SET', 'selvedge:{odd}:held', 'x'])
      await expect(storeAt(connection, 'odd').get('b', 'k')).rejects.toMatchObject({
        code: 'ERR_STORAGE_DAMAGED',
      })
    } finally {
      await guarded.remove()
    }
  })
})
