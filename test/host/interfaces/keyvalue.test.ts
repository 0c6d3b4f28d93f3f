import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bindInterfaces, grantedInterfaces } from '../../../host/interfaces/index.ts'
import { storageProblems } from '../../../host/storage/index.ts'
import { appContext } from './app-context.ts'
import { scriptRunner, type ScriptRunner } from './guest-script.ts'

let runner: ScriptRunner
beforeAll(async () => {
  runner = await scriptRunner()
})
afterAll(() => runner.close())

const names = `
  const { open, Bucket } = imports['wasi:keyvalue/store']
  const { Cas, increment, swap } = imports['wasi:keyvalue/atomics']
  const { getMany, setMany, deleteMany } = imports['wasi:keyvalue/batch']
`

/** As an app with two buckets. */
function asGuest(
  script: string,
  context = appContext({ buckets: new Set(['default', 'other']) }),
): Promise<unknown> {
  const bound = bindInterfaces(['keyvalue:default', 'keyvalue:other'], context)
  return runner.run(names + script, bound)
}

describe('wasi:keyvalue/store', () => {
  it('gets, sets, deletes and asks after a key', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        const seen = [b.get('k'), b.exists('k')]
        b.set('k', utf8('one'))
        b.set('k', utf8('two'))
        seen.push(text(b.get('k')), b.exists('k'))
        b.delete('k')
        b.delete('k')
        seen.push(b.get('k'))
        b.set('', new Uint8Array())
        seen.push(b.get('').length)
        drop(b)
        return seen`),
    ).toEqual([undefined, false, 'two', true, undefined, 0])
  })

  it('keeps buckets apart, and has what another handle wrote', async () => {
    expect(
      await asGuest(`
        const [one, again, other] = [open('default'), open('default'), open('other')]
        one.set('k', utf8('1'))
        return [text(again.get('k')), other.exists('k'), one instanceof Bucket]`),
    ).toEqual(['1', false, true])
  })

  it('lists keys by pages, with cursors that either draft can pass', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        for (let n = 0; n < 2; n += 1)
          setMany(b, Array.from({ length: 1000 }, (_, i) => ['k' + (n * 1000 + i), utf8('v')]))
        const first = b.listKeys(undefined)
        const asText = b.listKeys(first.cursor)
        const asNumber = b.listKeys(BigInt(first.cursor))
        return [first.keys.length, asText.keys.length, asText.cursor, asNumber.keys[0] === asText.keys[0],
          new Set([...first.keys, ...asText.keys]).size,
          payload(() => b.listKeys('not a cursor')).err.tag]`),
    ).toEqual([1000, 1000, undefined, true, 2000, 'other'])
  })

  it('gives the sandbox back a handle for each that is dropped', async () => {
    expect(
      await asGuest(`
        for (let n = 0; n < 5000; n += 1) { const b = open('default'); drop(Cas.new(b, 'k')); drop(b) }
        return 'done'`),
    ).toBe('done')
  })

  it('denies a bucket that was not granted, whatever its name', async () => {
    expect(
      await asGuest(`
        return ['secret', '', 'Default', '../default', 'default\\0'].map((name) => payload(() => open(name)).err)`),
    ).toEqual(Array.from({ length: 5 }, () => ({ tag: 'access-denied' })))
  })

  it('is not there at all without a grant', () => {
    expect(grantedInterfaces([]).filter((id) => id.startsWith('wasi:keyvalue'))).toEqual([])
    expect(bindInterfaces(['pin:led'], appContext()).some(({ id }) => id.startsWith('wasi:keyvalue'))).toBe(
      false,
    )
  })

  it('denies a bucket also to a sandbox whose half was made to skip opening it', async () => {
    const [bound] = bindInterfaces(
      ['keyvalue:default'],
      appContext({ buckets: new Set(['default']) }),
    ).filter(({ id }) => id === 'wasi:keyvalue/store@0.2.0-draft2')
    for (const [name, operation] of Object.entries(bound?.functions ?? {})) {
      if (operation.mode !== 'call') throw new Error(`${name} is no call`)
      const thrown: unknown = await (operation.run(['secret', 'k', 1, 1]) as Promise<unknown>).catch(
        (error) => error,
      )
      expect([name, thrown]).toEqual([name, expect.objectContaining({ payload: { tag: 'access-denied' } })])
    }
  })

  it('answers what is too large with an error, and the guest lives on', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        return [
          payload(() => b.set('k'.repeat(1025), utf8('v'))),
          payload(() => b.get('k'.repeat(10_000_000))),
          payload(() => b.set('k', new Uint8Array(1024 * 1024 + 1))),
          payload(() => b.set('k', new Uint8Array(8 * 1024 * 1024))),
          payload(() => setMany(b, Array.from({ length: 1001 }, (_, i) => ['k' + i, utf8('v')]))),
        ].map(({ err }) => err.tag).concat(b.set('k', new Uint8Array(1024 * 1024)), b.get('k').length)`),
    ).toEqual(['other', 'other', 'other', 'other', 'other', undefined, 1024 * 1024])
  })

  it('tells a failing store in words', async () => {
    const context = appContext({
      buckets: new Set(['default']),
      keyValue: () => {
        throw storageProblems.error('ERR_STORAGE_CLOSED', 'the store is closed')
      },
    })
    expect(await asGuest(`return payload(() => open('default').get('k'))`, context)).toEqual({
      err: { tag: 'other', val: 'the store is closed' },
    })
  })
})

describe('wasi:keyvalue/atomics', () => {
  it('counts from 0 in decimal text', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        const sums = [increment(b, 'n', 5n), increment(b, 'n', -7n)]
        b.set('word', utf8('word'))
        return [...sums, text(b.get('n')), payload(() => increment(b, 'word', 1n)).err.tag]`),
    ).toEqual([5n, -2n, '-2', 'other'])
  })

  it('swaps what nobody has written since', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        const fresh = Cas.new(b, 'k')
        const seen = [fresh.current()]
        swap(fresh, utf8('one'))
        const cas = Cas.new(b, 'k')
        seen.push(text(cas.current()))
        swap(cas, utf8('two'))
        seen.push(text(b.get('k')))
        return seen`),
    ).toEqual([undefined, 'one', 'two'])
  })

  it('refuses a swap of what was written since, with a handle that works', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        const cas = Cas.new(b, 'k')
        b.set('k', utf8('theirs'))
        const failed = payload(() => swap(cas, utf8('mine'))).err
        const seen = [failed.tag, failed.val instanceof Cas, text(b.get('k')), text(failed.val.current())]
        swap(failed.val, utf8('mine'))
        return [...seen, text(b.get('k'))]`),
    ).toEqual(['cas-failed', true, 'theirs', 'theirs', 'mine'])
  })

  it('takes a value that was read through the handle for the one to be replaced', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        const cas = Cas.new(b, 'k')
        b.set('k', utf8('1'))
        const value = cas.current()
        swap(cas, utf8(text(value) + '2'))
        return text(b.get('k'))`),
    ).toBe('12')
  })

  it('says store-error where the store is at fault', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        return payload(() => swap(Cas.new(b, 'k'), new Uint8Array(2 * 1024 * 1024))).err.tag`),
    ).toBe('store-error')
  })
})

describe('wasi:keyvalue/batch', () => {
  it('handles many keys, in the order asked for, none where nothing is', async () => {
    expect(
      await asGuest(`
        const b = open('default')
        setMany(b, [['x', utf8('1')], ['y', utf8('2')]])
        const got = getMany(b, ['y', 'none', 'x']).map((pair) => pair && [pair[0], text(pair[1])])
        deleteMany(b, ['x', 'none'])
        return [got, getMany(b, []), b.exists('x'), b.exists('y')]`),
    ).toEqual([[['y', '2'], undefined, ['x', '1']], [], false, true])
  })
})
