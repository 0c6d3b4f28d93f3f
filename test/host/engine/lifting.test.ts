/** What a guest hands over to its host, against the canonical ABI: pointers, text, lists and handles. */
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { maxHandlesPerType } from '../../../host/engine/glue-helpers.ts'
import { generatedOf, load, type LoadedGuest } from './glue-kit.ts'

const pageBytes = 65_536

class Thing {
  readonly #number: number
  constructor(number: number) {
    this.#number = number
  }
  number(): number {
    return this.#number
  }
  static give(thing: Thing): number {
    return thing.#number
  }
}

describe('what a guest hands over', () => {
  let guest: LoadedGuest
  let told: unknown[]
  let made: () => unknown = () => 'made'
  const call = (name: string, ...args: number[]): unknown =>
    (guest.exports[name] as (...a: number[]) => unknown)(...args)

  beforeAll(async () => {
    await fresh()
  })

  async function fresh(): Promise<void> {
    const { tight, modules } = await generatedOf('pry')
    told = []
    guest = await load(tight.text, modules, {
      'test:pry/host': {
        Thing,
        takeText: (text: string) => void told.push(text),
        takeBytes: (bytes: Uint8Array) => void told.push(bytes),
        takeNumbers: (numbers: Uint32Array) => void told.push(numbers),
        takeLists: (lists: readonly Uint8Array[]) => void told.push(lists),
        makeText: () => made(),
        check: (number: number) => {
          if (number > 9) throw Object.assign(new Error('declared'), { payload: 'too large' })
          return number === 9 ? Promise.resolve() : undefined
        },
      },
    })
  }

  function poke(at: number, bytes: Uint8Array): void {
    const memory = guest.instances.flatMap(({ exports }) => exports['memory'] ?? [])[0] as WebAssembly.Memory
    new Uint8Array(memory.buffer).set(bytes, at)
  }

  // After a trap the glue refuses the instance, as it must; so each hostile call gets a new one.
  const place = fc.oneof(
    fc.nat(pageBytes + 100),
    fc.integer({ min: pageBytes - 100, max: pageBytes + 100 }),
    fc.constantFrom(0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_ff00),
  )

  test('as bytes traps exactly where it is not all inside the memory', async () => {
    await fc.assert(
      fc.asyncProperty(place, place, async (pointer, length) => {
        await fresh()
        const fits = pointer + length <= pageBytes
        if (fits) {
          call('bytes', pointer, length)
          expect((told.at(-1) as Uint8Array).length).toBe(length)
        } else expect(() => call('bytes', pointer, length)).toThrow(WebAssembly.RuntimeError)
      }),
      { numRuns: 60 },
    )
  })

  test('as text traps exactly where it is not all inside the memory', async () => {
    await fc.assert(
      fc.asyncProperty(place, place, async (pointer, length) => {
        await fresh()
        if (pointer + length <= pageBytes) {
          call('text', pointer, length)
          expect((told.at(-1) as string).length).toBe(length)
        } else expect(() => call('text', pointer, length)).toThrow(WebAssembly.RuntimeError)
      }),
      { numRuns: 60 },
    )
  })

  test('as numbers traps exactly where they are not aligned or not all inside the memory', async () => {
    await fc.assert(
      fc.asyncProperty(place, fc.oneof(fc.nat(20_000), place), async (pointer, length) => {
        await fresh()
        if (pointer % 4 === 0 && pointer + length * 4 <= pageBytes) {
          call('numbers', pointer, length)
          expect((told.at(-1) as Uint32Array).length).toBe(length)
        } else expect(() => call('numbers', pointer, length)).toThrow()
      }),
      { numRuns: 60 },
    )
  })

  test.each([
    [0, 0x8000_0000],
    [0x8000_0000, 1],
    [pageBytes - 4, 1],
    [2, 1],
  ])('as a list at %d of %d elements traps', async (pointer, length) => {
    await fresh()
    expect(() => call('lists', pointer, length)).toThrow()
    expect(told).toEqual([])
  })

  test('as a list arrives whole, and traps where it says the same bytes again and again', async () => {
    await fresh()
    const element = new Uint8Array(new Uint32Array([1_024, 3_000]).buffer)
    const list = (count: number): Uint8Array =>
      Uint8Array.from({ length: 8 * count }, (_, at) => element[at % 8]!)
    poke(8_192, list(300))
    for (let round = 0; round < 3; round += 1) call('lists', 8_192, 300)
    expect((told.at(-1) as readonly Uint8Array[]).map(({ length }) => length)).toEqual(Array(300).fill(3_000))
    poke(8_192, list(400))
    expect(() => call('lists', 8_192, 400)).toThrow(/again and again/)
  })

  test('as text arrives as it was, and traps where it is not UTF-8', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 40 }).map((text) => new TextEncoder().encode(text)),
      fc.constant(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61)),
    )
    await fc.assert(
      fc.asyncProperty(bytes, async (text) => {
        await fresh()
        poke(256, text)
        let expected: string | null = null
        try {
          expected = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text)
        } catch {
          expected = null
        }
        if (expected === null) expect(() => call('text', 256, text.length)).toThrow(WebAssembly.RuntimeError)
        else {
          call('text', 256, text.length)
          expect(told.at(-1)).toBe(expected)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('as bytes is a copy that later writes of the guest do not change', async () => {
    await fresh()
    for (const length of [3, 64, 65, 500]) {
      poke(256, new Uint8Array(length).fill(7))
      call('bytes', 256, length)
      poke(256, new Uint8Array(length).fill(8))
      expect(told.at(-1)).toEqual(new Uint8Array(length).fill(7))
    }
  })

  test.each([0xffff_fff8, 0x8000_0000, pageBytes, pageBytes - 4])(
    'as the place for a result traps at %d, outside the memory',
    async (pointer) => {
      await fresh()
      expect(() => call('made', pointer)).toThrow(RangeError)
    },
  )

  test('as a handle reaches its own object only', async () => {
    await fresh()
    const handles = [10, 20, 30].map((number) => call('make', number) as number)
    expect(handles.map((handle) => call('number', handle))).toEqual([10, 20, 30])
    expect(call('give', handles[1]!)).toBe(20)
    expect(call('number', handles[2]!)).toBe(30)
    expect(guest.tables?.map((table) => table.open())).toEqual([2])
  })

  test.each(['number', 'give', 'drop'])('as a handle for %s traps where none exists', async (name) => {
    const { none, dropped, given } = { none: 'none', dropped: 'dropped', given: 'given' }
    for (const state of [none, dropped, given]) {
      for (const offset of [0, 1, -1, 0x4000_0000, 0x8000_0000]) {
        await fresh()
        const handle = call('make', 1) as number
        if (state === dropped) call('drop', handle)
        if (state === given) call('give', handle)
        const tried = (handle + offset) >>> 0
        if (state === none && offset === 0) expect(() => call(name, tried)).not.toThrow()
        else expect(() => call(name, tried), `${state} ${tried}`).toThrow(WebAssembly.RuntimeError)
      }
    }
  })

  test('as handles has an end: hoarding them ends the guest', async () => {
    await fresh()
    for (let count = 0; count < maxHandlesPerType; count += 1) call('make', count)
    expect(() => call('make', 0)).toThrow(/handles of one type/)
  })

  test('cannot be anything while it cleans up after a call', async () => {
    await fresh()
    expect(() => call('leave')).toThrow('cannot leave component instance')
  })

  test('gets an error that the host declares, and traps at a promise', async () => {
    await fresh()
    expect(call('check', 1, 256)).toBe(0)
    expect(call('check', 10, 256)).toBe(1)
    expect(() => call('check', 9, 256)).toThrow(/promise/)
  })

  test('gets text of any kind whole', async () => {
    await fresh()
    for (const text of ['', 'ascii', 'käse 🧀', 'x'.repeat(1_000)]) {
      made = () => text
      expect(call('made', 16)).toBe(Buffer.byteLength(text))
    }
  })

  test('is refused after a trap', async () => {
    await fresh()
    expect(() => call('text', pageBytes, 1)).toThrow(WebAssembly.RuntimeError)
    expect(() => call('text', 0, 1)).toThrow(/cannot enter/)
  })
})
