/** How long entries live, by the rules of the node's owner, whatever the clock does. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AgeClock, longestOffMs } from '../../../host/storage/age-clock.ts'
import { keyValueLimits, type KeyChange, type KeyValueStore } from '../../../host/storage/index.ts'
import { MemoryStore } from '../../../host/storage/memory-store.ts'
import { lifeBy, rulesFor, type LifeRule } from '../../../host/storage/time-to-live.ts'
import { openNear, sqliteKinds } from './near-store.ts'

const hour = 3_600_000
const bytes = new Uint8Array([1])
const rules: LifeRule[] = [{ pattern: 'sessions', ms: hour }]

/** The two clocks of a machine, moved by hand. */
class Machine {
  wallMs = 1_700_000_000_000
  #upMs = 0

  now(): number {
    return this.wallMs
  }
  monotonicMs(): number {
    return this.#upMs
  }
  /** Time goes by. */
  pass(ms: number): void {
    this.wallMs += ms
    this.#upMs += ms
  }
  /** Switched off and on again; the monotonic clock begins anew. */
  restart(offMs: number): void {
    this.wallMs += offMs
    this.#upMs = 0
  }
}

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-lifetimes-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
const newPath = (): string => join(folder, `store-${(files += 1)}.sqlite`)

type Open = (machine: Machine, limits?: typeof keyValueLimits) => KeyValueStore
const drivers: [string, Open][] = [
  ...sqliteKinds.map((kind): [string, Open] => [
    kind,
    (time, limits = keyValueLimits) => openNear(limits, newPath(), { kind, time, rules }),
  ]),
  ['memory', (time, limits = keyValueLimits) => new MemoryStore(limits, lifeBy(rules), time)],
]

describe.each(drivers)('entries with a lifetime, by %s', (_name, open) => {
  it('are gone when it is over, for every way to ask, and others stay', async () => {
    const machine = new Machine()
    const kv = open(machine)
    await kv.setMany('sessions', [
      ['a', bytes],
      ['n', new TextEncoder().encode('7')],
    ])
    await kv.set('settings', 'a', bytes)
    machine.pass(hour - 1)
    expect(await kv.exists('sessions', 'a')).toBe(true)
    await kv.set('sessions', 'fresh', bytes)
    machine.pass(1)
    expect(await kv.get('sessions', 'a')).toBeNull()
    expect(await kv.exists('sessions', 'a')).toBe(false)
    expect(await kv.version('sessions', 'a')).toBe(0)
    expect(await kv.getMany('sessions', ['a', 'fresh'])).toEqual([null, bytes])
    expect((await kv.keys('sessions', null)).keys).toEqual(['fresh'])
    expect(await kv.increment('sessions', 'n', 1n)).toBe(1n)
    expect(await kv.compareAndSwap('sessions', 'a', 0, bytes)).toMatchObject({ swapped: true })
    expect(await kv.exists('settings', 'a')).toBe(true)
    await kv.close()
  })

  it('live on when they are written again', async () => {
    const machine = new Machine()
    const kv = open(machine)
    await kv.set('sessions', 'a', bytes)
    machine.pass(hour / 2)
    await kv.set('sessions', 'a', bytes)
    machine.pass(hour / 2)
    expect(await kv.exists('sessions', 'a')).toBe(true)
    await kv.close()
  })

  it('do not stand in the way of new ones once they are over', async () => {
    const machine = new Machine()
    const kv = open(machine, { ...keyValueLimits, keys: 3 })
    for (const key of ['a', 'b', 'c']) await kv.set('sessions', key, bytes)
    await expect(kv.set('settings', 'x', bytes)).rejects.toMatchObject({ code: 'ERR_STORAGE_QUOTA' })
    machine.pass(hour)
    await kv.set('settings', 'x', bytes)
    expect(await kv.usage()).toMatchObject({ keys: 1 })
    await kv.close()
  })

  it('do not die because somebody set the clock', async () => {
    const machine = new Machine()
    const kv = open(machine)
    await kv.set('sessions', 'a', bytes)
    machine.wallMs = Date.UTC(2035, 0)
    expect(await kv.exists('sessions', 'a')).toBe(true)
    machine.wallMs = 0
    expect(await kv.exists('sessions', 'a')).toBe(true)
    machine.pass(hour)
    expect(await kv.exists('sessions', 'a')).toBe(false)
    await kv.close()
  })
})

describe.each(sqliteKinds)('after a restart, by %s,', (kind) => {
  const reopen = (path: string, time: Machine): ReturnType<typeof openNear> =>
    openNear(keyValueLimits, path, { kind, time, rules })

  it.each([
    ['counts the time that the node was off', (machine: Machine) => machine.restart(hour / 2), false],
    [
      'counts none where the clock went back to 1970',
      (machine: Machine) => machine.restart(-machine.wallMs),
      true,
    ],
    [
      'counts none where the clock says 2035',
      (machine: Machine) => machine.restart(Date.UTC(2035, 0) - machine.wallMs),
      true,
    ],
  ])('%s', async (_what, restart, lives) => {
    const [path, machine] = [newPath(), new Machine()]
    const before = reopen(path, machine)
    await before.set('sessions', 'a', bytes)
    machine.pass(hour / 2)
    await before.close()
    restart(machine)
    const after = reopen(path, machine)
    expect(await after.exists('sessions', 'a')).toBe(lives)
    machine.pass(hour / 2)
    expect(await after.exists('sessions', 'a')).toBe(false)
    await after.close()
  })

  it('removes what is over a few at a time, and tells of it', async () => {
    const [path, machine] = [newPath(), new Machine()]
    const kv = reopen(path, machine)
    const batch = Array.from({ length: 700 }, (_, index): [string, Uint8Array] => [`k${index}`, bytes])
    await kv.setMany('sessions', batch)
    await kv.set('settings', 'stays', bytes)
    machine.pass(hour - 1)
    await kv.set('sessions', 'k0', bytes)
    machine.pass(1)
    const heard: KeyChange[] = []
    kv.onChange((change) => void heard.push(change))
    await kv.sweep()
    expect(await kv.usage()).toMatchObject({ keys: 2 })
    expect(heard).toHaveLength(699)
    expect(new Set(heard.map(({ kind: what }) => what))).toEqual(new Set(['delete']))
    await kv.close()
  })
})

it('the age of a store never goes back, and a power cut costs it nothing while the clock is right', () => {
  const machine = new Machine()
  const first = new AgeClock(machine, null)
  machine.pass(1_000)
  const saved = first.save()
  expect(saved.ageMs).toBe(1_000)
  machine.pass(5_000)
  machine.restart(2_000)
  expect(new AgeClock(machine, saved).ageMs()).toBe(8_000)
  machine.wallMs = saved.wallMs + longestOffMs + 1
  expect(new AgeClock(machine, saved).ageMs()).toBe(1_000)
  machine.wallMs = 0
  expect(new AgeClock(machine, saved, 4_000).ageMs()).toBe(4_000)
})

it('the pattern that names more of an app and its bucket counts', () => {
  const all = [
    { pattern: '*/*', ms: 5 },
    { pattern: 'shop/*', ms: 4 },
    { pattern: '*/cart-*', ms: 3 },
    { pattern: 'shop/cart-eu', ms: 2 },
  ]
  const life = (app: string, bucket: string): number | null => lifeBy(rulesFor(app, all))(bucket)
  expect(life('other', 'x')).toBe(5)
  expect(life('shop', 'x')).toBe(4)
  expect(life('other', 'cart-us')).toBe(3)
  expect(life('shop', 'cart-eu')).toBe(2)
  expect(lifeBy(rulesFor('shop', []))('x')).toBeNull()
  expect(lifeBy(rulesFor('a', [{ pattern: 'a/x.y', ms: 1 }]))('xzy')).toBeNull()
})
