/**
 * wasi:config and wasi:logging as their drafts say it, on the node's side, which is all there is of them.
 * preview2-shim has neither for Node.js.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BoundInterface } from '../../../host/engine/index.ts'
import { bindInterfaces } from '../../../host/interfaces/index.ts'
import { appContext } from '../../host/interfaces/app-context.ts'

function called(bound: readonly BoundInterface[], id: string, name: string, ...args: unknown[]): unknown {
  const found = bound.find((each) => each.id === id)?.functions[name]
  if (found === undefined || found.mode === 'channel') throw new Error(`no ${id}#${name}`)
  return found.run(args)
}

const stores = [
  'wasi:config/store@0.2.0-rc.1',
  'wasi:config/store@0.2.0-draft',
  'wasi:config/runtime@0.2.0-draft',
]

describe.each(stores)('%s', (id) => {
  const settings = fc.dictionary(
    fc.string({ minLength: 1, unit: 'grapheme' }),
    fc.string({ unit: 'grapheme' }),
  )

  it('get-all has each setting once, and get says the same of each', () => {
    fc.assert(
      fc.property(settings, (config) => {
        const bound = bindInterfaces([], appContext({ config }))
        const all = called(bound, id, 'get-all') as [string, string][]
        expect(Object.fromEntries(all)).toEqual(Object.fromEntries(Object.entries(config)))
        expect(all.length).toBe(Object.keys(config).length)
        for (const [key, value] of all) expect(called(bound, id, 'get', key)).toBe(value)
      }),
    )
  })

  it.each(['missing', '', '__proto__', 'constructor', 'toString'])(
    'get %o is none where it is not set',
    (key) => {
      const bound = bindInterfaces([], appContext({ config: { other: 'x' } }))
      expect(called(bound, id, 'get', key)).toBeUndefined()
    },
  )

  it('an empty value is a value', () => {
    const bound = bindInterfaces([], appContext({ config: { empty: '' } }))
    expect(called(bound, id, 'get', 'empty')).toBe('')
  })
})

describe('wasi:logging', () => {
  const id = 'wasi:logging/logging@0.1.0-draft'
  const heard: unknown[] = []
  const bound = bindInterfaces([], appContext({ log: (...line) => void heard.push(line) }))

  it.each([
    ['trace', 'debug'],
    ['debug', 'debug'],
    ['info', 'info'],
    ['warn', 'warn'],
    ['error', 'error'],
    ['critical', 'error'],
  ])('has a place for the level %s', (level, kept) => {
    called(bound, id, 'log', level, 'context', 'message')
    expect(heard.pop()).toEqual([kept, 'context', 'message'])
  })

  it('hands on context and message as they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (context, message) => {
        called(bound, id, 'log', 'info', context, message)
        expect(heard.pop()).toEqual(['info', context, message])
      }),
    )
  })

  it('returns nothing and makes nobody wait', () => {
    const { log } = bound.find((each) => each.id === id)!.functions
    expect(log).toMatchObject({ mode: 'post' })
    expect(called(bound, id, 'log', 'info', '', '')).toBeUndefined()
  })
})
