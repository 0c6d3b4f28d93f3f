import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedError } from '../../../host/engine/byte-reader.ts'
import { endOf, GuestExit, HostFault } from '../../../host/guest/ends.ts'
import { refusePromises } from '../../../host/guest/imports.ts'
import { camelCase, satisfies } from '../../../host/guest/interface-id.ts'
import { pack, unpack } from '../../../host/engine/packed.ts'
import { assertBounded, ValueError } from '../../../host/guest/values.ts'

describe('versions', () => {
  test.each([
    ['wasi:io/streams@0.2.12', 'wasi:io/streams@0.2.3', true],
    ['wasi:io/streams@0.2.3', 'wasi:io/streams@0.2.12', false],
    ['wasi:io/streams@0.2.3', 'wasi:io/poll@0.2.3', false],
    ['wasi:io/streams@0.3.0', 'wasi:io/streams@0.2.3', false],
    ['a:b/c@0.0.2', 'a:b/c@0.0.1', false],
    ['a:b/c@1.4.0', 'a:b/c@1.2.9', true],
    ['a:b/c@1.4.0', 'a:b/c@1.4.1', false],
    ['a:b/c@2.0.0', 'a:b/c@1.0.0', false],
    ['a:b/c@0.2.0-rc.1', 'a:b/c@0.2.0-rc.1', true],
    ['a:b/c@0.2.0-rc.2', 'a:b/c@0.2.0-rc.1', false],
    ['a:b/c@0.2.0', 'a:b/c@0.2.0-rc.1', false],
    ['a:b/c', 'a:b/c', true],
    ['a:b/c@1.0.0', 'a:b/c', false],
  ])('%s stands in for %s: %s', (had, wanted, expected) => {
    expect(satisfies(had, wanted)).toBe(expected)
  })

  test('names become what jco calls them', () => {
    expect(['get-all', 'read', 'time-ms', 'a-1b'].map(camelCase)).toEqual(['getAll', 'read', 'timeMs', 'a1b'])
  })
})

describe('a packed file', () => {
  const parts = fc
    .dictionary(fc.string({ maxLength: 12 }), fc.uint8Array({ maxLength: 64 }), { maxKeys: 5 })
    .map((object) => new Map(Object.entries(object)))

  test('comes back as it was packed', () => {
    fc.assert(
      fc.property(fc.jsonValue(), parts, (header, contents) => {
        const back = unpack(pack(header, contents))
        expect(back.header).toEqual(JSON.parse(JSON.stringify(header)))
        expect([...back.parts].map(([name, bytes]) => [name, [...bytes]])).toEqual(
          [...contents].map(([name, bytes]) => [name, [...bytes]]),
        )
      }),
    )
  })

  test('is refused with any bit wrong or any end missing', () => {
    // A plain array: the slice of a Buffer is the same memory.
    const bytes = Uint8Array.from(pack({ v: 1 }, new Map([['a', Uint8Array.of(1, 2, 3)]])))
    for (let at = 0; at < bytes.length; at++) {
      expect(() => unpack(bytes.slice(0, at)), `cut at ${at}`).toThrow(MalformedError)
      for (let bit = 0; bit < 8; bit++) {
        const wrong = bytes.slice()
        wrong[at] = wrong[at]! ^ (1 << bit)
        expect(() => unpack(wrong), `bit ${bit} of byte ${at}`).toThrow(MalformedError)
      }
    }
  })
})

describe('a value', () => {
  test.each([
    ['text', 'x'.repeat(400)],
    ['bytes', new Uint8Array(600)],
    ['many small things', Array.from({ length: 20 }, () => ({ a: 1 }))],
  ])('of %s over the bound is refused, and within it is not', (_, value) => {
    expect(() => assertBounded(value, 500)).toThrow(ValueError)
    expect(() => assertBounded(value, 5_000)).not.toThrow()
  })

  test('nested without end is refused', () => {
    const ring: unknown[] = []
    ring.push(ring)
    expect(() => assertBounded(ring, 1e9)).toThrow(/deeper/)
  })

  test.each([[() => {}], [Symbol('s')], [Promise.resolve()], [new Map()], [new Date()]])(
    'that WIT does not have is refused: %s',
    (value) => {
      expect(() => assertBounded({ value }, 1e6)).toThrow(ValueError)
    },
  )
})

describe('an import that the guest cannot wait for', () => {
  test('ends the guest when it returns a promise', () => {
    const Resource = WebAssembly.Memory // a class: passed as it is
    const guarded = refusePromises({ 'a:b/c': { wait: async () => 1, now: () => 2, Resource } })
    const functions = guarded['a:b/c'] as { wait(): unknown; now(): unknown; Resource: unknown }
    expect(() => functions.wait()).toThrow(HostFault)
    expect(functions.now()).toBe(2)
    expect(functions.Resource).toBe(Resource)
  })
})

describe('the end of a guest', () => {
  test('is told by its reason', () => {
    expect(endOf(new GuestExit(3), false)).toEqual({
      reason: 'exit',
      message: 'it called exit with code 3',
      exitCode: 3,
    })
    expect(endOf(new HostFault('ours'), true)).toEqual({ reason: 'host-fault', message: 'ours' })
    expect(endOf(new RangeError('Maximum call stack size exceeded'), false).message).toBe('stack overflow')
    expect(endOf(new WebAssembly.RuntimeError('unreachable'), true).reason).toBe('memory')
  })

  test('is told in a bounded message, whatever was thrown', () => {
    expect(endOf(new Error('x'.repeat(10_000)), false).message.length).toBeLessThan(1_000)
    expect(endOf({ tag: 'odd' }, false).message).toBe('it threw an exception of its own that nothing caught')
  })
})
