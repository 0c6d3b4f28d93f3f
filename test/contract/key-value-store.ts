/** What every key-value store promises (host/storage/contract.ts), wherever it keeps its entries. */
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { KeyChange, KeyValueLimits, KeyValueStore } from '../../host/storage/index.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (bytes: Uint8Array | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : new TextDecoder().decode(bytes)

/** Small enough to be reached in a test. */
const limits: KeyValueLimits = {
  keyBytes: 16,
  valueBytes: 64,
  keys: 8,
  bytes: 1_000,
  pageKeys: 3,
  batchEntries: 4,
  batchBytes: 100,
}
const roomy: KeyValueLimits = { ...limits, keyBytes: 1_024, keys: 10_000, bytes: 1_000_000, batchEntries: 50 }

/** @param open an empty store of its own each time */
export function describeKeyValueStore(
  name: string,
  open: (limits: KeyValueLimits) => Promise<KeyValueStore>,
): void {
  describe(`the key-value store ${name}`, () => {
    const opened: KeyValueStore[] = []
    const store = async (chosen = roomy): Promise<KeyValueStore> => {
      const made = await open(chosen)
      opened.push(made)
      return made
    }
    afterEach(async () => {
      for (const made of opened.splice(0)) await made.close()
    })

    it('gives back what was set last, and nothing for what was not set', async () => {
      const kv = await store()
      expect(await kv.get('b', 'k')).toBeNull()
      await kv.set('b', 'k', utf8('one'))
      await kv.set('b', 'k', utf8('two'))
      expect(text((await kv.get('b', 'k'))?.value)).toBe('two')
    })

    it.each([
      ['an empty value', 'k', new Uint8Array(0)],
      ['an empty key', '', utf8('v')],
      ['a key with a NUL and what follows it', 'a\0b', utf8('v')],
      ['a key outside the basic plane', 'käse🧀', utf8('v')],
      ['every byte there is', 'k', Uint8Array.from({ length: 64 }, (_, index) => index * 4 + 3)],
    ])('keeps %s', async (_what, key, value) => {
      const kv = await store()
      await kv.set('b', key, value)
      expect(await kv.exists('b', key)).toBe(true)
      expect([...((await kv.get('b', key))?.value ?? [0])]).toEqual([...value])
      expect((await kv.keys('b', null)).keys).toEqual([key])
    })

    it('keeps what it was given, whatever becomes of the buffers', async () => {
      const kv = await store()
      const given = utf8('one')
      await kv.set('b', 'k', given)
      given.fill(0)
      const got = (await kv.get('b', 'k'))?.value
      expect(text(got)).toBe('one')
      got?.fill(0)
      expect(text((await kv.get('b', 'k'))?.value)).toBe('one')
    })

    it('keeps buckets apart', async () => {
      const kv = await store()
      await kv.set('one', 'k', utf8('1'))
      await kv.set('two', 'k', utf8('2'))
      await kv.delete('one', 'k')
      expect(await kv.exists('one', 'k')).toBe(false)
      expect(text((await kv.get('two', 'k'))?.value)).toBe('2')
    })

    it('does nothing where what should be deleted is not there', async () => {
      const kv = await store()
      await kv.delete('b', 'k')
      expect(await kv.usage()).toEqual({ keys: 0, bytes: 0 })
    })

    it('pages through all keys once, also while others come and go', async () => {
      const kv = await store()
      const names = Array.from({ length: 8 }, (_, index) => `k${index}`)
      for (const key of names) await kv.set('b', key, utf8('v'))
      const seen: string[] = []
      let page = await kv.keys('b', null)
      expect(page.keys).toHaveLength(3)
      seen.push(...page.keys)
      await kv.delete('b', 'k0')
      await kv.set('b', 'k1', utf8('again'))
      while (page.cursor !== null) {
        page = await kv.keys('b', page.cursor)
        seen.push(...page.keys)
      }
      expect(seen).toEqual(names)
    })

    it('gives no cursor where the last page is full', async () => {
      const kv = await store()
      for (const key of ['a', 'b', 'c']) await kv.set('b', key, utf8('v'))
      expect(await kv.keys('b', null)).toEqual({ keys: ['a', 'b', 'c'], cursor: null })
      expect(await kv.keys('empty', null)).toEqual({ keys: [], cursor: null })
    })

    it.each(['', 'x', '-1', '1.5', '9'.repeat(40), ' 1'])('refuses the cursor %j', async (cursor) => {
      const kv = await store()
      await expect(kv.keys('b', cursor)).rejects.toMatchObject({ code: 'ERR_STORAGE_CURSOR' })
    })

    it('counts in decimal text, from 0', async () => {
      const kv = await store()
      expect(await kv.increment('b', 'n', 5n)).toBe(5n)
      expect(await kv.increment('b', 'n', -7n)).toBe(-2n)
      expect(text((await kv.get('b', 'n'))?.value)).toBe('-2')
      await kv.set('b', 'n', utf8('41'))
      expect(await kv.increment('b', 'n', 1n)).toBe(42n)
    })

    it('counts as one step, however many count at once', async () => {
      const kv = await store()
      const sums = await Promise.all(Array.from({ length: 20 }, () => kv.increment('b', 'n', 1n)))
      expect(new Set(sums).size).toBe(20)
      expect(text((await kv.get('b', 'n'))?.value)).toBe('20')
    })

    it.each(['', 'twelve', '1.5', ' 1', '99999999999999999999999'])(
      'does not count on from %j',
      async (value) => {
        const kv = await store()
        await kv.set('b', 'n', utf8(value))
        await expect(kv.increment('b', 'n', 1n)).rejects.toMatchObject({ code: 'ERR_STORAGE_NUMBER' })
        expect(text((await kv.get('b', 'n'))?.value)).toBe(value)
      },
    )

    it('does not count over 64 bits', async () => {
      const kv = await store()
      await kv.increment('b', 'n', 2n ** 63n - 1n)
      await expect(kv.increment('b', 'n', 1n)).rejects.toMatchObject({ code: 'ERR_STORAGE_NUMBER' })
      expect(await kv.increment('b', 'n', 0n)).toBe(2n ** 63n - 1n)
    })

    it('swaps only what nobody has written since', async () => {
      const kv = await store()
      await kv.set('b', 'k', utf8('one'))
      const version = await kv.version('b', 'k')
      await kv.set('b', 'k', utf8('one'))
      const late = await kv.compareAndSwap('b', 'k', version, utf8('two'))
      expect(late.swapped).toBe(false)
      expect(text((await kv.get('b', 'k'))?.value)).toBe('one')
      const retry = await kv.compareAndSwap('b', 'k', late.version, utf8('two'))
      expect(retry.swapped).toBe(true)
      expect(await kv.get('b', 'k')).toEqual({ value: utf8('two'), version: retry.version })
    })

    it('swaps a key that is not set with version 0, once', async () => {
      const kv = await store()
      expect(await kv.version('b', 'k')).toBe(0)
      expect((await kv.compareAndSwap('b', 'k', 0, utf8('a'))).swapped).toBe(true)
      expect((await kv.compareAndSwap('b', 'k', 0, utf8('b'))).swapped).toBe(false)
    })

    it('does not take a key that was deleted and set again for the one before', async () => {
      const kv = await store()
      await kv.set('b', 'k', utf8('one'))
      const version = await kv.version('b', 'k')
      await kv.delete('b', 'k')
      await kv.set('b', 'k', utf8('one'))
      expect((await kv.compareAndSwap('b', 'k', version, utf8('two'))).swapped).toBe(false)
    })

    it('handles many at once, in the order asked for', async () => {
      const kv = await store()
      await kv.setMany('b', [
        ['x', utf8('1')],
        ['y', utf8('2')],
        ['x', utf8('3')],
      ])
      expect((await kv.getMany('b', ['y', 'none', 'x'])).map(text)).toEqual(['2', null, '3'])
      await kv.deleteMany('b', ['x', 'none'])
      expect((await kv.getMany('b', ['x', 'y'])).map(text)).toEqual([null, '2'])
      expect(await kv.getMany('b', [])).toEqual([])
    })

    it('sets all of a batch or nothing', async () => {
      const kv = await store({ ...limits, keys: 2 })
      await kv.set('b', 'kept', utf8('1'))
      const batch: [string, Uint8Array][] = [
        ['kept', utf8('2')],
        ['new', utf8('2')],
        ['much', utf8('2')],
      ]
      const before = await kv.usage()
      await expect(kv.setMany('b', batch)).rejects.toMatchObject({ code: 'ERR_STORAGE_QUOTA' })
      expect((await kv.getMany('b', ['kept', 'new', 'much'])).map(text)).toEqual(['1', null, null])
      expect(await kv.usage()).toEqual(before)
    })

    it('refuses what is too large, and keeps what was there', async () => {
      const kv = await store(limits)
      const tooLarge = { code: 'ERR_STORAGE_TOO_LARGE' }
      await kv.set('b', 'k', utf8('1'))
      await expect(kv.set('b', 'k'.repeat(17), utf8('v'))).rejects.toMatchObject(tooLarge)
      await expect(kv.get('b', 'ä'.repeat(9))).rejects.toMatchObject(tooLarge)
      await expect(kv.set('b', 'k', new Uint8Array(65))).rejects.toMatchObject(tooLarge)
      await expect(kv.getMany('b', ['1', '2', '3', '4', '5'])).rejects.toMatchObject(tooLarge)
      await kv.set('b', 'large', new Uint8Array(64))
      await expect(kv.getMany('b', ['large', 'large'])).rejects.toMatchObject(tooLarge)
      expect(text((await kv.get('b', 'k'))?.value)).toBe('1')
    })

    it('holds an app to its keys and bytes, and takes again what fits after a deletion', async () => {
      const kv = await store(limits)
      for (let count = 0; count < 8; count += 1) await kv.set('b', `k${count}`, utf8('v'))
      await expect(kv.set('b', 'more', utf8('v'))).rejects.toMatchObject({ code: 'ERR_STORAGE_QUOTA' })
      await kv.delete('b', 'k0')
      await kv.set('b', 'more', utf8('v'))

      const narrow = await store({ ...limits, bytes: 200 })
      await narrow.set('b', 'one', new Uint8Array(60))
      await expect(narrow.set('b', 'two', new Uint8Array(60))).rejects.toMatchObject({
        code: 'ERR_STORAGE_QUOTA',
      })
      await narrow.set('b', 'one', new Uint8Array(1))
      await narrow.set('b', 'two', new Uint8Array(60))
    })

    it('tells whoever listens of each change, in order, and of nothing that changed nothing', async () => {
      const kv = await store()
      await kv.set('b', 'before', utf8('v'))
      const heard: KeyChange[] = []
      const cancel = kv.onChange((change) => void heard.push(change))
      await kv.set('b', 'k', utf8('v'))
      await kv.increment('b', 'n', 1n)
      await kv.setMany('c', [['x', utf8('1')]])
      await kv.compareAndSwap('b', 'k', 999_999, utf8('late'))
      await expect(kv.increment('b', 'k', 1n)).rejects.toMatchObject({ code: 'ERR_STORAGE_NUMBER' })
      await kv.delete('b', 'none')
      await kv.deleteMany('b', ['k', 'none'])
      await eventually(() => heard.length >= 4)
      expect(heard.map(({ bucket, key, kind }) => `${kind} ${bucket}/${key}`)).toEqual([
        'set b/k',
        'set b/n',
        'set c/x',
        'delete b/k',
      ])
      const versions = heard.map(({ version }) => version)
      expect(versions).toEqual([...versions].sort((one, other) => one - other))
      expect(await kv.version('b', 'n')).toBe(versions[1])
      cancel()
      await kv.set('b', 'k', utf8('unheard'))
      expect(heard).toHaveLength(4)
    })

    it('finds again what changed since, for readers that follow, if it has a feed', async () => {
      const kv = await store()
      const { feed } = kv
      if (feed === undefined) return
      await kv.set('b', 'before', utf8('v'))
      const start = await feed.follow('reader')
      expect(await feed.follow('reader')).toBe(start)
      for (const key of ['one', 'two', 'three', 'two']) await kv.set('b', key, utf8('v'))
      await kv.set('other', 'k', utf8('v'))
      await kv.deleteMany('b', ['before', 'one'])
      await kv.set('b', 'one', utf8('again'))
      const all = await feed.changes('b', start, 10)
      expect(all).toMatchObject({ isMore: false, isIncomplete: false })
      expect(all.changes.map(({ key, kind }) => `${kind} ${key}`)).toEqual([
        'set three',
        'set two',
        'delete before',
        'set one',
      ])
      const seen: string[] = []
      for (let after = start, isMore = true; isMore;) {
        const page = await feed.changes('b', after, 1)
        expect(page.changes.length).toBeLessThanOrEqual(1)
        seen.push(...page.changes.map(({ key }) => key))
        after = page.last
        isMore = page.isMore
      }
      expect(seen).toEqual(['three', 'two', 'before', 'one'])
      await feed.advance('reader', all.last)
      expect(await feed.follow('reader')).toBe(all.last)
      expect((await feed.changes('b', all.last, 10)).changes).toEqual([])
      await feed.forget('reader')
    })

    it('says that it is closed', async () => {
      const kv = await store()
      await kv.set('b', 'k', utf8('1'))
      await kv.close()
      await kv.close()
      await expect(kv.get('b', 'k')).rejects.toMatchObject({ code: 'ERR_STORAGE_CLOSED' })
    })

    it('does what a Map would do, whatever is asked of it', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 30 }), async (operations) => {
          const kv = await open(roomy)
          const model = new Map<string, string>()
          try {
            for (const step of operations) await compare(kv, model, step)
            const listed: string[] = []
            let cursor: string | null = null
            do {
              const page: { keys: readonly string[]; cursor: string | null } = await kv.keys('b', cursor)
              listed.push(...page.keys)
              cursor = page.cursor
            } while (cursor !== null)
            expect(listed.sort()).toEqual([...model.keys()].sort())
            expect((await kv.usage()).keys).toBe(model.size)
          } finally {
            await kv.close()
          }
        }),
        { numRuns: 15 },
      )
    })
  })
}

/** A driver may tell of a change a moment after it was made. */
async function eventually(holds: () => boolean): Promise<void> {
  for (let left = 6_000; left > 0 && !holds(); left -= 1)
    await new Promise((resolve) => setTimeout(resolve, 10))
}

const key = fc.constantFrom('a', 'b', '', 'ü\0', 'long-ish key')
const value = fc.string({ maxLength: 10 })
type Operation =
  | { do: 'set' | 'swap' | 'stale'; key: string; value: string }
  | { do: 'delete' | 'get' | 'exists'; key: string }
  | { do: 'increment'; key: string; delta: bigint }
  | { do: 'setMany'; entries: [string, string][] }
  | { do: 'deleteMany'; keys: string[] }
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constantFrom('set' as const, 'swap' as const, 'stale' as const), key, value }),
  fc.record({ do: fc.constantFrom('delete' as const, 'get' as const, 'exists' as const), key }),
  fc.record({ do: fc.constant('increment' as const), key, delta: fc.bigInt({ min: -100n, max: 100n }) }),
  fc.record({
    do: fc.constant('setMany' as const),
    entries: fc.array(fc.tuple(key, value), { maxLength: 5 }),
  }),
  fc.record({ do: fc.constant('deleteMany' as const), keys: fc.array(key, { maxLength: 5 }) }),
)

async function compare(kv: KeyValueStore, model: Map<string, string>, step: Operation): Promise<void> {
  switch (step.do) {
    case 'set':
      await kv.set('b', step.key, utf8(step.value))
      model.set(step.key, step.value)
      return
    case 'swap':
      expect(
        await kv.compareAndSwap('b', step.key, await kv.version('b', step.key), utf8(step.value)),
      ).toMatchObject({ swapped: true })
      model.set(step.key, step.value)
      return
    case 'stale':
      expect(await kv.compareAndSwap('b', step.key, 999_999, utf8(step.value))).toMatchObject({
        swapped: false,
      })
      return
    case 'get':
      expect(text((await kv.get('b', step.key))?.value)).toBe(model.get(step.key) ?? null)
      return
    case 'exists':
      expect(await kv.exists('b', step.key)).toBe(model.has(step.key))
      return
    case 'delete':
      await kv.delete('b', step.key)
      model.delete(step.key)
      return
    case 'increment': {
      const before = model.get(step.key) ?? '0'
      const sum = kv.increment('b', step.key, step.delta)
      if (!/^-?\d{1,19}$/.test(before)) {
        await expect(sum).rejects.toMatchObject({ code: 'ERR_STORAGE_NUMBER' })
        return
      }
      expect(await sum).toBe(BigInt(before) + step.delta)
      model.set(step.key, String(BigInt(before) + step.delta))
      return
    }
    case 'setMany':
      await kv.setMany(
        'b',
        step.entries.map(([name, text]) => [name, utf8(text)]),
      )
      for (const [name, text] of step.entries) model.set(name, text)
      return
    case 'deleteMany':
      await kv.deleteMany('b', step.keys)
      for (const name of step.keys) model.delete(name)
  }
}
