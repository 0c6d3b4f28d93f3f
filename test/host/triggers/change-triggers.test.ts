/** `keyvalue` and `blob`: what changed is told, also what changed while nobody could be told of it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { blobLimits, type BlobStore, type KeyValueStore } from '../../../host/storage/index.ts'
import { openDiskBlobs } from '../../../host/storage/blobs/disk.ts'
import { MemoryBlobs } from '../../../host/storage/blobs/memory.ts'
import { MemoryStore } from '../../../host/storage/memory-store.ts'
import type { TriggerContext, TriggerEvent } from '../../../host/triggers/index.ts'
import { systemClock } from '../../../core/index.ts'
import { fits } from '../../../host/triggers/text-pattern.ts'
import { runTrigger, type TriggerRun } from './context.ts'

const bytes = new Uint8Array(3)
const keyGrants = ['keyvalue:settings']
const blobGrants = ['blobstore:photos']

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-changes-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Files and promises take their time; what is waited for comes. */
async function until(holds: () => boolean): Promise<void> {
  for (let left = 500; left > 0 && !holds(); left -= 1) await new Promise((resolve) => setTimeout(resolve, 2))
  expect(holds()).toBe(true)
}
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))
const told = (events: readonly TriggerEvent[]): unknown[] =>
  events.map(({ payload }) => {
    const { kind, key, object } = payload as { kind: string; key?: string; object?: string }
    return `${kind} ${key ?? object}`
  })

describe('a keyvalue trigger', () => {
  const run = (
    changes: KeyValueStore,
    more: object = {},
    context: Partial<TriggerContext> = {},
  ): TriggerRun =>
    runTrigger({ kind: 'keyvalue', bucket: 'settings', ...more }, keyGrants, { changes, ...context })

  it('tells of keys of its bucket that are set and deleted, and not of those before it', async () => {
    const store = new MemoryStore()
    await store.set('settings', 'before', bytes)
    const { events, args, stop } = run(store)
    await settled()
    await store.set('settings', 'a', bytes)
    await store.set('other', 'b', bytes)
    await until(() => events.length === 1)
    await store.delete('settings', 'a')
    await until(() => events.length === 2)
    expect(told(events)).toEqual(['set a', 'delete a'])
    expect(args(7)).toEqual([
      {
        id: 7n,
        attempt: 1,
        source: 'keyvalue',
        kind: 'deleted',
        store: 'settings',
        key: 'a',
        version: 3n + 1n,
        size: undefined,
      },
    ])
    stop()
    await store.set('settings', 'late', bytes)
    await settled()
    expect(events).toHaveLength(2)
  })

  it('tells only of the keys and the changes that it names', async () => {
    const store = new MemoryStore()
    const { events } = run(store, { keys: 'lamp-*', on: 'set' })
    await settled()
    for (const key of ['lamp-1', 'fan-1', 'lamp-2']) await store.set('settings', key, bytes)
    await until(() => events.length === 2)
    await store.delete('settings', 'lamp-1')
    await settled()
    expect(told(events)).toEqual(['set lamp-1', 'set lamp-2'])
  })

  it('goes on where it got to, and finds what changed while it was gone', async () => {
    const store = new MemoryStore()
    const first = run(store)
    await settled()
    await store.set('settings', 'a', bytes)
    await until(() => first.events.length === 1)
    first.stop()
    await settled()
    await store.set('settings', 'b', bytes)
    await store.delete('settings', 'a')
    const second = run(store)
    await until(() => second.events.length === 2)
    expect(told(second.events)).toEqual(['set b', 'delete a'])
  })

  it('tells again, by the same name, what the queue may have had before a crash', async () => {
    const store = new MemoryStore()
    const first = run(store)
    await settled()
    await store.set('settings', 'a', bytes)
    await until(() => first.events.length === 1)
    // It did not come to remember how far it was.
    const second = run(store)
    await until(() => second.events.length === 1)
    expect(second.events).toEqual(first.events)
  })

  it('loses nothing while the queue refuses, and says so once', async () => {
    const store = new MemoryStore()
    let isFull = true
    const taken: TriggerEvent[] = []
    const { clock, problems } = run(
      store,
      {},
      {
        offer: async (event) => {
          if (isFull) throw new Error('the queue is full')
          taken.push(event)
        },
      },
    )
    await settled()
    for (const key of ['a', 'b', 'c']) await store.set('settings', key, bytes)
    await settled()
    await clock.advance(5_000)
    expect(problems.map(({ code }) => code)).toEqual(['ERR_TRIGGER_EVENT'])
    isFull = false
    await clock.advance(120_000)
    await until(() => taken.length === 3)
    expect(told(taken)).toEqual(['set a', 'set b', 'set c'])
  })

  it('tells of what changes while it listens where the store keeps no feed', async () => {
    const store = new MemoryStore()
    const { events } = run({ onChange: store.onChange.bind(store) } as unknown as KeyValueStore)
    await store.set('settings', 'a', bytes)
    expect(told(events)).toEqual(['set a'])
  })

  it.each([
    [{ bucket: 'settings', keys: 'a*b*c*d*e*f' }, 'stars'],
    [{ bucket: 'settings', keys: '' }, 'pattern'],
    [{ bucket: 'settings', on: 'put' }, 'no change'],
    [{ bucket: 'Settings' }, 'no name'],
    [{ bucket: 'other' }, 'grant'],
  ])('refuses %j', (options, why) => {
    expect(() => runTrigger({ kind: 'keyvalue', ...options }, keyGrants)).toThrow(why)
  })
})

describe('a blob trigger', () => {
  async function put(store: BlobStore, name: string, container = 'photos'): Promise<void> {
    const writer = await store.create()
    await writer.write(bytes)
    await writer.commit(container, name)
  }
  const stores = {
    'on the disk': () => openDiskBlobs(join(folder, `store-${Math.random()}`), systemClock, blobLimits),
    'in memory': async () => new MemoryBlobs(systemClock),
  }
  const run = (
    objects: BlobStore,
    more: object = {},
    memory: TriggerRun['memory'] = { value: null, writes: 0 },
  ): TriggerRun =>
    runTrigger({ kind: 'blob', container: 'photos', ...more }, blobGrants, { objects }, undefined, memory)

  it.each(Object.entries(stores))('tells of objects that are put and deleted, %s', async (_name, open) => {
    const store = await open()
    await store.createContainer('photos')
    await store.createContainer('other')
    await put(store, 'before')
    const { events, args } = run(store)
    await settled()
    await put(store, 'a')
    await put(store, 'b', 'other')
    await store.deleteObjects('photos', ['a'])
    await until(() => events.length === 2)
    expect(told(events)).toEqual(['put a', 'delete a'])
    expect(args(3)).toMatchObject([{ id: 3n, source: 'blob', kind: 'deleted', store: 'photos', key: 'a' }])
  })

  it('finds what was put while it was gone, and tells of nothing twice that it remembers', async () => {
    const store = await stores['on the disk']()
    await store.createContainer('photos')
    const memory = { value: null, writes: 0 }
    const first = run(store, {}, memory)
    await settled()
    await put(store, 'a')
    await until(() => first.events.length === 1)
    first.stop()
    await settled()
    await put(store, 'b')
    await put(store, 'c')
    const second = run(store, {}, memory)
    await until(() => second.events.length === 2)
    await settled()
    expect(told(second.events)).toEqual(['put b', 'put c'])
  })

  it('tells again what the queue may have had before a crash', async () => {
    const store = await stores['on the disk']()
    await store.createContainer('photos')
    const memory: TriggerRun['memory'] = { value: null, writes: 0 }
    const first = run(store, {}, memory)
    await settled()
    await put(store, 'a')
    await until(() => first.events.length === 1)
    const second = run(store, {}, memory)
    await until(() => second.events.length === 1)
    expect(second.events).toEqual(first.events)
  })
})

it.each([
  ['*', '', true],
  ['a*', 'ab', true],
  ['a*', 'b', false],
  ['*a', 'ba', true],
  ['a*a', 'a', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-c', false],
  ['a*bc*c', 'abc', false],
  ['a.c', 'abc', false],
  [undefined, 'x', true],
])('the pattern %j and the text %j: %j', (pattern, text, expected) => {
  expect(fits(pattern)(text)).toBe(expected)
})
