/** wasi:keyvalue without the node's own thread in between: sandboxes that speak with the storage thread by shared memory. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import { bindInterfaces } from '../../../host/interfaces/index.ts'
import { diskStorage, type KeyChange, type KeyValueStore, type Storage } from '../../../host/storage/index.ts'
import { appContext } from './app-context.ts'
import { scriptRunner, type ScriptRunner } from './guest-script.ts'

let runner: ScriptRunner
let folder: string
let storage: Storage
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-short-way-'))
  storage = diskStorage(await openFolder(folder), systemClock, {
    keyValue: { driver: 'sqlite', options: { durability: 'normal' } },
    lifeRules: [{ pattern: '*/brief', ms: 1 }],
  })
  return async () => {
    await storage.close()
    await rm(folder, { recursive: true, force: true })
  }
})

/** Calls that come by the node, by name. */
let byNode: string[]

function counted(store: KeyValueStore): KeyValueStore {
  byNode = []
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        byNode.push(String(name))
        return Reflect.apply(member, target, args)
      }
    },
  })
}

/** The way is made with the third call. */
const warm = `
  const { open } = imports['wasi:keyvalue/store']
  const { Cas, increment, swap } = imports['wasi:keyvalue/atomics']
  const { getMany, setMany, deleteMany } = imports['wasi:keyvalue/batch']
  const opened = (name) => { const b = open(name); for (let n = 0; n < 3; n += 1) b.exists('warm'); return b }
`

function asGuest(script: string): Promise<unknown> {
  const store = counted(storage.keyValue('app'))
  const context = appContext({ buckets: new Set(['b', 'brief']), keyValue: () => store })
  return runner.run(warm + script, bindInterfaces(['keyvalue:b', 'keyvalue:brief'], context))
}

describe('a bucket that is lent to a sandbox', () => {
  it('does what a Map would do, and asks the node’s own thread for next to nothing', async () => {
    const outcome = await asGuest(`
      const b = opened('b')
      const model = new Map()
      let seed = 7
      const random = (below) => (seed = (seed * 1103515245 + 12345) % 2147483648) % below
      const sizes = [0, 3, 100, 220, 1000, 4500, 60000]
      const wrong = []
      const same = (one, other) => (one === undefined) === (other === undefined) && (one === undefined ||
        (one.length === other.length && one.every((byte, at) => byte === other[at])))
      for (let n = 0; n < 600; n += 1) {
        const key = 'key ü ' + random(24)
        const act = random(6)
        if (act < 2) { const value = new Uint8Array(sizes[random(7)]).fill(n); b.set(key, value); model.set(key, value) }
        else if (act === 2) { b.delete(key); model.delete(key) }
        else if (act === 3) { if (b.exists(key) !== model.has(key)) wrong.push('exists ' + n) }
        else if (act === 4) {
          const value = new Uint8Array([n]); const cas = Cas.new(b, key)
          if (!same(cas.current(), model.get(key))) wrong.push('current ' + n)
          swap(cas, value); model.set(key, value)
        } else if (!same(b.get(key), model.get(key))) wrong.push('get ' + n)
      }
      const keys = [...model.keys()]
      getMany(b, keys).forEach((pair, at) => { if (!same(pair?.[1], model.get(keys[at]))) wrong.push('many ' + at) })
      return wrong`)
    expect(outcome).toEqual([])
    expect(byNode.filter((name) => name === 'share')).toHaveLength(1)
    expect(byNode.length).toBeLessThan(40)
  })

  it('shows each of several sandboxes, and the node, what another wrote', async () => {
    const count = `const b = opened('b'); for (let n = 0; n < 300; n += 1) increment(b, 'n', 1n); return Number(text(b.get('n')))`
    const node = async (): Promise<void> => {
      for (let n = 0; n < 100; n += 1) await storage.keyValue('app').increment('b', 'n', 1n)
    }
    const [one, other] = await Promise.all([asGuest(count), asGuest(count), node()])
    expect(Math.max(Number(one), Number(other))).toBeLessThanOrEqual(700)
    expect(await asGuest(`return text(opened('b').get('n'))`)).toBe('700')
    await storage.keyValue('app').set('b', 'n', new TextEncoder().encode('by the node'))
    expect(await asGuest(`const b = opened('b'); b.get('n'); return text(b.get('n'))`)).toBe('by the node')
  })

  it('tells whoever listens of every change in order, also where it began to listen afterwards', async () => {
    const store = storage.keyValue('app')
    const heard: KeyChange[] = []
    await asGuest(`opened('b').set('before', utf8('1')); return 0`)
    const cancel = store.onChange((change) => heard.push(change))
    await store.get('b', 'x')
    await asGuest(
      `const b = opened('b'); for (let n = 0; n < 50; n += 1) b.set('k', utf8(String(n))); b.delete('k'); return 0`,
    )
    // What was told before is here when this is answered.
    await store.get('b', 'x')
    cancel()
    expect(heard.map(({ kind }) => kind)).toEqual([...Array<string>(50).fill('set'), 'delete'])
    expect(heard.map(({ version }) => version)).toEqual(
      heard.map(({ version }) => version).toSorted((a, b) => a - b),
    )
  })

  it('holds the app to what it may hold, from the moment that is said, and shows what it holds', async () => {
    storage.allow('app', { keyValue: { items: 5 }, blobs: {} })
    const refused = await asGuest(`
      const b = opened('b')
      return Array.from({ length: 7 }, (_, n) => payload(() => b.set('k' + n, utf8('v'))).err?.val ?? 'taken')`)
    expect(refused).toEqual([
      ...Array<string>(5).fill('taken'),
      ...Array(2).fill('the app holds 5 keys; 5 are its limit'),
    ])
    await storage.keyValue('app').usage()
    expect(storage.report('app').keyValue.held?.items).toBe(5)
  })

  it('lets entries end at their time', async () => {
    expect(
      await asGuest(`
        const b = opened('brief')
        b.set('k', utf8('v'))
        const until = Date.now() + 20
        while (Date.now() < until) {}
        return [b.get('k'), b.exists('k')]`),
    ).toEqual([undefined, false])
  })

  it('is lent to nobody who was not granted it', async () => {
    const bound = bindInterfaces(['keyvalue:b'], appContext({ buckets: new Set(['b']) }))
    const share = bound
      .flatMap(({ functions }) => Object.entries(functions))
      .find(([name]) => name === 'share')?.[1]
    const caller = { sharesMemory: true } as never
    await expect(async () => share?.run(['secret'] as never, caller)).rejects.toMatchObject({
      payload: { tag: 'access-denied' },
    })
  })

  it('says that the stores are closed, to a guest that waits and to one that asks', async () => {
    const outcome = asGuest(`
      const b = opened('b')
      for (let n = 0; ; n += 1) {
        const { err } = payload(() => b.set(n === 0 ? 'go' : 'k', utf8(String(n))))
        if (err) return err.val
      }`)
    const store = storage.keyValue('app')
    while (!(await store.exists('b', 'go'))) continue
    await storage.close()
    expect(await outcome).toMatch(/closed|ended/)
  })
})
