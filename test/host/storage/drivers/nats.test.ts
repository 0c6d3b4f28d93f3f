/** The key-value store at a NATS server: the contract, and what becomes of apps when the server is away. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../core/index.ts'
import { NatsServerConnection, type NatsTimes } from '../../../../host/storage/drivers/nats/connection.ts'
import { NatsLedger } from '../../../../host/storage/drivers/nats/ledger.ts'
import { encodeRecord, encodeSteps, entryName } from '../../../../host/storage/drivers/nats/records.ts'
import { NatsStore } from '../../../../host/storage/drivers/nats/store.ts'
import { keyValueLimits, type KeyChange, type KeyValueLimits } from '../../../../host/storage/index.ts'
import { describeKeyValueStore } from '../../../contract/key-value-store.ts'
import { nats } from '../../../contract/servers/nats.ts'
import { freePort, hasProgram, ServerProcess } from '../../../contract/servers/server-process.ts'

const hasNats = hasProgram('nats-server')
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
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

function connect(port: number, times: Partial<NatsTimes> = {}): NatsServerConnection {
  const address = {
    url: `nats://127.0.0.1:${port}`,
    username: null,
    replicas: 1,
    password: async () => null,
    tls: async () => null,
  }
  const connection = new NatsServerConnection(address, systemClock, { pauseMs: 50, ...times })
  connections.push(connection)
  return connection
}

function storeAt(
  connection: NatsServerConnection,
  app = `app-${(stores += 1)}`,
  limits: KeyValueLimits = keyValueLimits,
): NatsStore {
  return new NatsStore(connection, app, limits)
}

async function until(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

it.skipIf(hasNats)('leaves NATS untested here: install nats-server', () => {})

if (hasNats) {
  describeKeyValueStore('at a NATS server', async (limits) =>
    storeAt(connect(server.port), undefined, limits),
  )
}

describe.skipIf(!hasNats)('a store at a NATS server', () => {
  it('is one for all nodes that name it, and keeps apps apart', async () => {
    const [here, there] = [storeAt(connect(server.port), 'shared'), storeAt(connect(server.port), 'shared')]
    await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? here : there).increment('b', 'n', 1n)),
    )
    expect((await there.get('b', 'n'))?.value).toEqual(utf8('20'))
    expect(await storeAt(connect(server.port), 'other').get('b', 'n')).toBeNull()
    const [first, second] = await Promise.all([
      here.compareAndSwap('c', 'k', 0, utf8('here')),
      there.compareAndSwap('c', 'k', 0, utf8('there')),
    ])
    expect([first.swapped, second.swapped].filter(Boolean)).toHaveLength(1)
  })

  it('takes the largest values and batches, and gives their room back', async () => {
    const store = storeAt(connect(server.port))
    const large = Uint8Array.from({ length: keyValueLimits.valueBytes }, (_, index) => index % 251)
    await store.set('b', 'large', large)
    const got = await store.get('b', 'large')
    expect(Buffer.from(got?.value ?? []).equals(large)).toBe(true)
    await store.setMany(
      'b',
      Array.from({ length: 1_000 }, (_, n) => [`${'k'.repeat(900)}${n}`, new Uint8Array(2_000).fill(n)]),
    )
    expect((await store.getMany('b', [`${'k'.repeat(900)}777`]))[0]?.[0]).toBe(777 % 256)
    expect((await store.usage()).keys).toBe(1_001)
    await store.set('b', 'large', utf8('small'))
    expect((await store.get('b', 'large'))?.value).toEqual(utf8('small'))
  })

  it('does as a whole what another node decided and did not do', async () => {
    const connection = connect(server.port)
    const store = storeAt(connection, 'crashed')
    await store.set('b', 'a', utf8('old'))
    // What a node leaves that ends between its decision and the first step.
    const ledger = new NatsLedger(connection, 'selvedge_crashed')
    const { kv } = await ledger.bucket()
    const head = await kv.get('head')
    const step = (key: string, id: number, version: number) => ({
      name: entryName('b', key),
      entry: { id, version, size: 3, content: { inline: utf8('new') } },
    })
    const steps = encodeSteps([step('a', 1, 2), step('c', 2, 3)])
    const next = { version: 3, id: 2, keys: 2, bytes: 136, steps: { inline: steps } }
    await kv.update('head', encodeRecord(next), head?.revision ?? 0)
    const later = storeAt(connect(server.port), 'crashed')
    await later.set('b', 'd', utf8('x'))
    expect((await later.get('b', 'a'))?.value).toEqual(utf8('new'))
    expect((await later.keys('b', null)).keys).toEqual(['a', 'c', 'd'])
    expect((await later.usage()).keys).toBe(3)
    // The first node wakes up: what it held for the head is not, and it writes over nothing.
    await store.set('b', 'e', utf8('x'))
    expect((await store.keys('b', null)).keys).toEqual(['a', 'c', 'd', 'e'])
  })

  it('has everything after the server was killed, and goes on by itself', async () => {
    const own = await ServerProcess.start(nats())
    try {
      const store = storeAt(connect(own.port))
      const heard: KeyChange[] = []
      store.onChange((change) => heard.push(change))
      for (let n = 0; n < 20; n += 1) await store.set('b', `k${n}`, utf8(String(n)))
      await own.stop('SIGKILL')
      const began = performance.now()
      await expect(store.get('b', 'k0')).rejects.toMatchObject({
        code: 'ERR_STORAGE_FAILED',
        message: expect.stringContaining(`127.0.0.1:${own.port}`),
      })
      expect(performance.now() - began).toBeLessThan(30_000)
      await own.start()
      await until(() => store.get('b', 'k0').then(Boolean, () => false), 'the return')
      expect(await store.usage()).toMatchObject({ keys: 20 })
      const before = heard.length
      await until(async () => {
        await store.set('b', 'k0', utf8('again')).catch(() => {})
        return heard.length > before
      }, 'a change')
    } finally {
      await own.remove()
    }
  })

  it('has the new password where it was changed while the server was away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'selvedge-nats-password-'))
    const config = join(folder, 'nats.conf')
    const allow = (password: string): void =>
      writeFileSync(config, `authorization { user: node, password: "${password}" }\n`)
    allow('before')
    const own = await ServerProcess.start(nats(['-c', config]))
    let password = 'before'
    const connection = new NatsServerConnection(
      {
        url: `nats://127.0.0.1:${own.port}`,
        username: 'node',
        replicas: 1,
        password: async () => password,
        tls: async () => null,
      },
      systemClock,
    )
    try {
      const store = storeAt(connection)
      await store.set('b', 'k', utf8('v'))
      await own.stop()
      allow('after')
      password = 'after'
      await own.start()
      await until(() => store.get('b', 'k').then(Boolean, () => false), 'the return')
    } finally {
      await connection.close()
      await own.remove()
      rmSync(folder, { recursive: true, force: true })
    }
  }, 30_000)

  it('says so within a bound where the server hangs, and where nothing answers', async () => {
    const own = await ServerProcess.start(nats())
    try {
      const store = storeAt(connect(own.port, { answerMs: 300 }))
      await store.set('b', 'k', utf8('v'))
      own.freeze()
      await expect(store.set('b', 'k', utf8('w'))).rejects.toMatchObject({ code: 'ERR_STORAGE_FAILED' })
      own.thaw()
      await until(() => store.get('b', 'k').then(Boolean, () => false), 'the return')
    } finally {
      await own.remove()
    }
    const nobody = storeAt(connect(await freePort()))
    await expect(nobody.get('b', 'k')).rejects.toMatchObject({
      code: 'ERR_STORAGE_FAILED',
      message: expect.stringContaining('no connection'),
    })
  })
})
