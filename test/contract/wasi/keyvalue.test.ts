/**
 * wasi:keyvalue 0.2.0-draft2 as its text says it, and as a guest sees it: through the sandbox's half, the line and
 * the node's half, on each of the stores that a node has. preview2-shim has no such package.
 */
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bindInterfaces } from '../../../host/interfaces/index.ts'
import { storageKinds, type Storages } from './storages.ts'
import { appContext } from '../../host/interfaces/app-context.ts'
import { scriptRunner, type ScriptRunner } from '../../host/interfaces/guest-script.ts'

const prelude = `
  const { open } = imports['wasi:keyvalue/store']
  const { Cas, increment, swap } = imports['wasi:keyvalue/atomics']
  const { getMany, setMany, deleteMany } = imports['wasi:keyvalue/batch']
  const bucket = open('default')
  const codeOf = (run) => { const { ok, err } = payload(run); return err === undefined ? 'ok' : err.tag }
  const allKeys = () => {
    const all = []
    for (let cursor; ;) {
      const page = bucket.listKeys(cursor)
      all.push(...page.keys)
      if (page.cursor === undefined) return all
      cursor = page.cursor
    }
  }
`

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

describe.each(storageKinds)('wasi:keyvalue, $name', ({ open }) => {
  let storages: Storages
  beforeAll(async () => {
    storages = await open()
  })
  afterAll(() => storages.close())

  /** As an app with two buckets, and nothing in them. */
  function script(body: string): Promise<unknown> {
    const context = appContext({ buckets: new Set(['default', 'other']), ...storages.ofNewApp() })
    return runner.run(prelude + body, bindInterfaces(['keyvalue:default', 'keyvalue:other'], context))
  }

  describe('store', () => {
    it('get is none where the key is not, and the value where it is', async () => {
      expect(
        await script(`
          const before = bucket.get('k')
          bucket.set('k', utf8('one'))
          return [before, text(bucket.get('k')), bucket.get('K'), bucket.get('')]`),
      ).toEqual([undefined, 'one', undefined, undefined])
    })

    it('set overwrites what is there', async () => {
      expect(
        await script(`
          bucket.set('k', utf8('a longer one'))
          bucket.set('k', utf8('one'))
          bucket.set('k', new Uint8Array())
          return [bucket.get('k').length, allKeys()]`),
      ).toEqual([0, ['k']])
    })

    it('delete does nothing where the key is not', async () => {
      expect(
        await script(`
          bucket.delete('k')
          bucket.set('k', utf8('one'))
          bucket.delete('k')
          bucket.delete('k')
          return [bucket.get('k'), bucket.exists('k'), allKeys()]`),
      ).toEqual([undefined, false, []])
    })

    it('exists says what get would find', async () => {
      expect(
        await script(`
          const before = bucket.exists('k')
          bucket.set('k', new Uint8Array())
          return [before, bucket.exists('k')]`),
      ).toEqual([false, true])
    })

    it('list-keys is empty for an empty store, and has no cursor where there is no more', async () => {
      expect(
        await script(`const { keys, cursor } = bucket.listKeys(undefined); return [keys, cursor]`),
      ).toEqual([[], undefined])
    })

    it('list-keys has every key once over all its pages, and a cursor for each next one', async () => {
      expect(
        await script(`
          for (let from = 0; from < 2500; from += 500)
            setMany(bucket, Array.from({ length: 500 }, (_, n) => ['k' + (from + n), utf8('v')]))
          const keys = allKeys()
          return [keys.length, new Set(keys).size, bucket.listKeys(undefined).cursor !== undefined]`),
      ).toEqual([2500, 2500, true])
    })

    it('list-keys refuses a cursor that it never gave', async () => {
      expect(
        await script(`return ['', 'x', '-1'].map((cursor) => codeOf(() => bucket.listKeys(cursor)))`),
      ).toEqual(['other', 'other', 'other'])
    })

    it('open gives handles to one and the same bucket, and buckets do not mix', async () => {
      expect(
        await script(`
          const [again, other] = [open('default'), open('other')]
          bucket.set('k', utf8('one'))
          other.set('k', utf8('two'))
          const seen = [text(again.get('k')), text(other.get('k'))]
          again.delete('k')
          return [...seen, bucket.exists('k'), other.exists('k')]`),
      ).toEqual(['one', 'two', false, true])
    })

    it('open tells nothing of a bucket that the component has no access to', async () => {
      expect(await script(`return ['mine', ''].map((name) => codeOf(() => open(name)))`)).toEqual([
        'access-denied',
        'access-denied',
      ])
    })

    it('a client reads its own writes, whatever they are and in whatever order they come', async () => {
      const key = fc.constantFrom('a', 'b', '', 'ü\u0000', 'x'.repeat(200))
      const value = fc.uint8Array({ maxLength: 40 })
      const step = fc.oneof(
        fc.record({ do: fc.constant('set'), key, value }),
        fc.record({ do: fc.constantFrom('get', 'exists', 'delete'), key }),
      )
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const model = new Map<string, readonly number[]>()
          const expected = steps.map((each) => {
            if ('value' in each) model.set(each.key, [...each.value])
            else if (each.do === 'delete') model.delete(each.key)
            else return each.do === 'get' ? (model.get(each.key) ?? null) : model.has(each.key)
            return null
          })
          const plain = steps.map((each) => ('value' in each ? { ...each, value: [...each.value] } : each))
          const seen = await script(`
            return ${JSON.stringify(plain)}.map((each) => {
              if (each.do === 'set') return void bucket.set(each.key, Uint8Array.from(each.value)) ?? null
              const found = bucket[each.do](each.key)
              return found === undefined ? null : typeof found === 'boolean' ? found : [...found]
            })`)
          expect(seen).toEqual(expected)
        }),
        { numRuns: 8 },
      )
    })
  })

  describe('atomics', () => {
    it('increment makes a key of the delta, and returns each new value', async () => {
      expect(
        await script(`return [increment(bucket, 'n', 5n), increment(bucket, 'n', 0n), increment(bucket, 'n', -12n),
          increment(bucket, 'new', -(2n ** 63n)), increment(bucket, 'new', 2n ** 63n - 1n)]`),
      ).toEqual([5n, 5n, -7n, -(2n ** 63n), -1n])
    })

    it('increment is an error where there is no number, or it would be none of 64 bits, and changes nothing', async () => {
      expect(
        await script(`
          bucket.set('word', utf8('word'))
          increment(bucket, 'most', 2n ** 63n - 1n)
          const codes = [codeOf(() => increment(bucket, 'word', 1n)), codeOf(() => increment(bucket, 'most', 1n))]
          return [...codes, text(bucket.get('word')), increment(bucket, 'most', 0n)]`),
      ).toEqual(['other', 'other', 'word', 2n ** 63n - 1n])
    })

    it('current is what the key holds, also where that is nothing', async () => {
      expect(
        await script(`
          const none = Cas.new(bucket, 'k').current()
          bucket.set('k', utf8('one'))
          return [none, text(Cas.new(bucket, 'k').current())]`),
      ).toEqual([undefined, 'one'])
    })

    it('swap sets the value where nobody has written since', async () => {
      expect(
        await script(`
          swap(Cas.new(bucket, 'k'), utf8('one'))
          swap(Cas.new(bucket, 'k'), utf8('two'))
          return text(bucket.get('k'))`),
      ).toBe('two')
    })

    it.each([
      ['set', `bucket.set('k', utf8('theirs'))`, 'theirs'],
      ['set to the same', `bucket.set('k', utf8('one'))`, 'one'],
      ['deleted', `bucket.delete('k')`, undefined],
      ['deleted and set again', `bucket.delete('k'); bucket.set('k', utf8('one'))`, 'one'],
      ['counted', `bucket.set('k', utf8('1')); increment(bucket, 'k', 1n)`, '2'],
      ['set in a batch', `setMany(bucket, [['k', utf8('batch')]])`, 'batch'],
      ['deleted in a batch', `deleteMany(bucket, ['k'])`, undefined],
    ])(
      'swap fails where the key was %s since, with a handle for the latest that works',
      async (_, write, left) => {
        expect(
          await script(`
          bucket.set('k', utf8('one'))
          const cas = Cas.new(bucket, 'k')
          ${write}
          const failed = payload(() => swap(cas, utf8('mine'))).err
          const seen = [failed.tag, text(bucket.get('k')), text(failed.val.current())]
          swap(failed.val, utf8('mine'))
          return [...seen, text(bucket.get('k'))]`),
        ).toEqual(['cas-failed', left, left, 'mine'])
      },
    )

    it('a handle can be used again and again, until it wins', async () => {
      expect(
        await script(`
          let cas = Cas.new(bucket, 'n')
          for (let n = 0; n < 3; n += 1) {
            bucket.set('n', utf8(String(n)))
            cas = payload(() => swap(cas, utf8('x'))).err.val
          }
          return [codeOf(() => swap(cas, utf8('x'))), text(bucket.get('n'))]`),
      ).toEqual(['ok', 'x'])
    })
  })

  describe('batch', () => {
    it('get-many has a pair for each key in the order asked for, none where it is not', async () => {
      expect(
        await script(`
          setMany(bucket, [['a', utf8('1')], ['b', utf8('2')]])
          return getMany(bucket, ['b', 'x', 'a', 'b']).map((pair) => pair && [pair[0], text(pair[1])])`),
      ).toEqual([['b', '2'], undefined, ['a', '1'], ['b', '2']])
    })

    it('set-many overwrites and makes, and the last of one key stands', async () => {
      expect(
        await script(`
          bucket.set('a', utf8('0'))
          setMany(bucket, [['a', utf8('1')], ['b', utf8('2')], ['a', utf8('3')]])
          return [text(bucket.get('a')), text(bucket.get('b'))]`),
      ).toEqual(['3', '2'])
    })

    it('delete-many skips what is not there', async () => {
      expect(
        await script(`
          setMany(bucket, [['a', utf8('1')], ['b', utf8('2')]])
          deleteMany(bucket, ['a', 'x', 'a'])
          return allKeys()`),
      ).toEqual(['b'])
    })

    it('an empty batch is done at once', async () => {
      expect(
        await script(
          `return [getMany(bucket, []), codeOf(() => setMany(bucket, [])), codeOf(() => deleteMany(bucket, []))]`,
        ),
      ).toEqual([[], 'ok', 'ok'])
    })
  })
})
