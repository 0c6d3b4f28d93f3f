/** wasi:http/types.fields against the text of its WIT: ours, and preview2-shim's where it has the rule. */
import * as shim from '@bytecodealliance/preview2-shim/http'
import { array, assert, property, uint8Array } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { httpGuestLimits } from '../../../../host/guest/http/index.ts'
import { bytes, errorOf, makeKit, text, type Guest } from './kit.ts'

const ours = makeKit().types
const implementations: [string, Record<string, Guest>, boolean][] = [
  ['ours', ours, true],
  ['preview2-shim', shim.types as unknown as Record<string, Guest>, false],
]

const entriesOf = (fields: Guest): [string, string][] =>
  fields.entries().map(([name, value]: [string, Uint8Array]) => [name, text(value)])

describe.each(implementations)('fields of %s', (_name, { Fields, OutgoingResponse }, isOurs) => {
  it('begin empty', () => {
    expect(new Fields().entries()).toEqual([])
  })

  it('keep several values of one name, in their order', () => {
    const fields = new Fields()
    fields.append('accept', bytes('a'))
    fields.append('other', bytes('x'))
    fields.append('accept', bytes('b'))
    expect(fields.get('accept').map(text)).toEqual(['a', 'b'])
    expect(entriesOf(fields)).toEqual([
      ['accept', 'a'],
      ['other', 'x'],
      ['accept', 'b'],
    ])
  })

  it('find a name in any case and return it in the case it was given', () => {
    const fields = Fields.fromList([['X-Custom', bytes('1')]])
    expect(fields.has('x-CUSTOM')).toBe(true)
    expect(fields.get('x-custom').map(text)).toEqual(['1'])
    expect(entriesOf(fields)).toEqual([['X-Custom', '1']])
  })

  it('have nothing for an absent or impossible name', () => {
    const fields = new Fields()
    expect([fields.get('none'), fields.has('none'), fields.get('a b'), fields.has('')]).toEqual([
      [],
      false,
      [],
      false,
    ])
  })

  it('tell an empty value from an absent name', () => {
    const fields = Fields.fromList([['empty', bytes('')]])
    expect(fields.get('empty').map(text)).toEqual([''])
    expect(fields.has('empty')).toBe(true)
  })

  it('set in place of all former values', () => {
    const fields = Fields.fromList([
      ['a', bytes('1')],
      ['A', bytes('2')],
      ['b', bytes('3')],
    ])
    fields.set('a', [bytes('4'), bytes('5')])
    expect(fields.get('a').map(text)).toEqual(['4', '5'])
    expect(fields.get('b').map(text)).toEqual(['3'])
  })

  it('delete all values of a name, and nothing where there is none', () => {
    const fields = Fields.fromList([
      ['a', bytes('1')],
      ['A', bytes('2')],
    ])
    fields.delete('a')
    fields.delete('b')
    expect(fields.has('a')).toBe(false)
  })

  it('refuse names that are no tokens and values with line breaks', () => {
    const fields = new Fields()
    for (const name of ['', 'a b', 'a:b', 'ä', 'a\n']) {
      expect(errorOf(() => fields.append(name, bytes('x')))).toEqual({ err: { tag: 'invalid-syntax' } })
      expect(errorOf(() => fields.set(name, [bytes('x')]))).toEqual({ err: { tag: 'invalid-syntax' } })
      expect(errorOf(() => Fields.fromList([[name, bytes('x')]]))).toEqual({ err: { tag: 'invalid-syntax' } })
    }
    for (const value of ['a\r\nb: c', 'a\nb', 'a\0b']) {
      expect(errorOf(() => fields.append('a', bytes(value)))).toEqual({ err: { tag: 'invalid-syntax' } })
      expect(errorOf(() => fields.set('a', [bytes('ok'), bytes(value)]))).toEqual({
        err: { tag: 'invalid-syntax' },
      })
    }
    expect(fields.entries()).toEqual([])
  })

  it('refuse the fields of a connection, in any case', () => {
    const names = ['Connection', 'keep-alive', 'Host']
    if (isOurs) names.push('transfer-encoding', 'upgrade', 'proxy-connection', 'proxy-authorization')
    for (const name of names) {
      expect(errorOf(() => new Fields().append(name, bytes('x')))).toEqual({ err: { tag: 'forbidden' } })
      expect(errorOf(() => new Fields().set(name, [bytes('x')]))).toEqual({ err: { tag: 'forbidden' } })
      expect(errorOf(() => Fields.fromList([[name, bytes('x')]]))).toEqual({ err: { tag: 'forbidden' } })
    }
  })

  it('are immutable once a message has them', () => {
    const fields = new Fields()
    fields.append('a', bytes('1'))
    const headers = new OutgoingResponse(fields).headers()
    const immutable = { err: { tag: 'immutable' } }
    expect(errorOf(() => headers.append('b', bytes('2')))).toEqual(immutable)
    expect(errorOf(() => headers.set('a', []))).toEqual(immutable)
    expect(errorOf(() => headers.delete('a'))).toEqual(immutable)
    expect(entriesOf(headers)).toEqual([['a', '1']])
  })

  it('clone into fields that can be changed', () => {
    const fields = Fields.fromList([['a', bytes('1')]])
    const clone = new OutgoingResponse(fields).headers().clone()
    expect(entriesOf(clone)).toEqual([['a', '1']])
    // preview2-shim shares the list of the two: a change of one shows in the other.
    clone.append('b', bytes('2'))
    expect(clone.has('b')).toBe(true)
    if (isOurs) expect(fields.has('b')).toBe(false)
  })
})

describe('our fields beyond the shim', () => {
  it('have no value of a name that was set to none', () => {
    const fields = ours['Fields'].fromList([['a', bytes('1')]])
    fields.set('a', [])
    expect(fields.has('a')).toBe(false)
  })

  it('refuse to delete what is no name', () => {
    expect(errorOf(() => new ours['Fields']().delete('a b'))).toEqual({ err: { tag: 'invalid-syntax' } })
  })

  it('keep every byte of a value', () => {
    const value = uint8Array({ maxLength: 64 }).map((raw) => raw.filter((byte) => byte >= 32 && byte !== 127))
    assert(
      property(array(value, { maxLength: 8 }), (values) => {
        const fields = new ours['Fields']()
        for (const each of values) fields.append('x', each)
        expect(fields.get('x').map((each: Uint8Array) => [...each])).toEqual(values.map((each) => [...each]))
        fields[Symbol.for('dispose')]?.()
      }),
    )
  })

  it('end a guest that makes them without limit', () => {
    const { types } = makeKit()
    const fields = new types['Fields']()
    const fill = (): void => {
      for (let at = 0; at <= httpGuestLimits.fields; at += 1) fields.append('a', bytes('1'))
    }
    expect(fill).toThrow(/more than 1024 entries/)
    const large = (): void => {
      const wide = new types['Fields']()
      wide.append('a', new Uint8Array(httpGuestLimits.fieldBytes + 1).fill(65))
    }
    expect(large).toThrow(/131072 bytes/)
  })

  it('end a guest that keeps many large ones', () => {
    const { types } = makeKit()
    const hoard = (): void => {
      for (let at = 0; at < 1_000; at += 1) {
        new types['Fields']().append('a', new Uint8Array(100_000).fill(65))
      }
    }
    expect(hoard).toThrow(/drops none/)
  })

  it('give back what they took', () => {
    const kit = makeKit()
    const dispose = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('dispose')
    for (let at = 0; at < 2_000; at += 1) {
      const fields = new kit.types['Fields']()
      fields.append('a', new Uint8Array(100_000).fill(65))
      fields[dispose]()
    }
    expect(kit.held()).toBe(0)
  })
})
