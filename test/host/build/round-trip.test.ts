import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generateBindings } from '../../../host/build/bindings/index.ts'
import { buildApp } from '../../../host/build/index.ts'
import { readWitSource } from '../../../host/build/wit-source.ts'
import { readWorld } from '../../../host/build/wit/index.ts'
import { transpiled, type Imports } from './transpiled.ts'

const source = fileURLToPath(new URL('round-trip', import.meta.url))

type Echo = Record<string, (...args: unknown[]) => unknown>

interface Box {
  text(): string
  replace(text: string): string | undefined
}

interface Exports {
  echo: Echo
  store: {
    Box: { new (text: string): Box; empty(): Box; join(a: Box, b: Box): Box }
    swap(boxes: Box[]): Box[]
    alive(): number
  }
  lend: { twice(c: Counter, by: number): number; keep(c: Counter): void; kept(): Counter | undefined }
  viaHost(shape: unknown): unknown
  counters(starts: Uint32Array): number
  delete(point: unknown): string
}

/** What jco calls when a guest drops the last handle; Node 18 has no symbol of its own for it. */
const disposeKey: symbol = Symbol.dispose ?? Symbol.for('dispose')

class Counter {
  static dropped = 0
  value: number

  constructor(start: number) {
    this.value = start
  }

  add(by: number): number {
    this.value += by
    return this.value
  }

  static sum(all: Counter[]): number {
    return all.reduce((sum, { value }) => sum + value, 0)
  }

  static merge(a: Counter, b: Counter): Counter {
    return new Counter(a.value + b.value)
  }

  [disposeKey](): void {
    Counter.dropped++
  }
}

const notes: string[] = []
const imports: Imports = {
  'test:types/host': {
    ask: (shape: unknown) => shape,
    askMany: (...all: unknown[]) => all,
    Counter,
  },
  note: { default: (text: string) => notes.push(text) },
}

let folder: string
let bytes: Uint8Array
let start: (memories?: WebAssembly.Memory[]) => Exports

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-round-trip-'))
  bytes = await buildWith('minimal')
  const instantiate = await transpiled(bytes, join(folder, 'glue.mjs'))
  start = (memories) => instantiate(imports, memories) as Exports
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Builds the world of all types; the echo of every type is written from the signatures that are wanted. */
async function buildWith(runtime: string): Promise<Uint8Array> {
  const app = join(folder, runtime)
  await mkdir(join(app, 'assembly'), { recursive: true })
  for (const name of await readdir(source)) {
    // Not .ts here, because the project's own compiler would read them.
    if (name.endsWith('.as'))
      await copyFile(join(source, name), join(app, 'assembly', name.replace('.as', '.ts')))
    else await cp(join(source, name), join(app, name), { recursive: true })
  }
  await writeFile(join(app, 'assembly', 'echo.ts'), await echoSource())
  await writeFile(join(app, 'asconfig.json'), JSON.stringify({ options: { runtime, optimizeLevel: 1 } }))
  const { file } = await buildApp(app)
  return new Uint8Array(await readFile(file))
}

async function echoSource(): Promise<string> {
  const world = readWorld(await readWitSource(join(source, 'wit')), 'round-trip')
  const { wanted } = generateBindings(world, '../index')
  const functions = wanted
    .filter(({ container }) => container === 'echo')
    .map(({ name, signature }) => {
      const body =
        name === 'many'
          ? 'new Tuple4<Mixed, string, Shape, Array<u32>>(a, b, c, d)'
          : name === 'seventeen'
            ? '[a.toString(), b.toString(), c.toString(), d.toString(), e, f, g, h, i, j, k.toString()]'
            : 'v'
      return `${signature} {\n  return ${body}\n}\n`
    })
  return [
    "import { Colour, Mixed, Point, Rights, Shape } from './bindings/test-types-kinds'",
    "import { Result, Some, Tuple3, Tuple4, Unit } from './bindings/values'",
    ...functions,
  ].join('\n')
}

const text = fc.string({ unit: 'binary', maxLength: 40 })
const float = fc.float({ noNaN: true })
const s32 = fc.integer()
const u32 = fc.nat(0xffffffff)
const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const s64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n })
const double = fc.double({ noNaN: true })
const char = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })
const point = fc.record({ x: s32, y: double })
const colour = fc.constantFrom('red', 'green', 'deep-blue')
const mixed = fc.record({
  a: fc.boolean(),
  b: fc.nat(255),
  c: fc.integer({ min: -128, max: 127 }),
  d: fc.nat(0xffff),
  e: fc.integer({ min: -0x8000, max: 0x7fff }),
  f: u32,
  g: s32,
  h: u64,
  i: s64,
  j: float,
  k: double,
  l: char,
  m: text,
})
const flagNames = ['read', 'write', 'execute', 'delete', 'admin', 'f6', 'f7', 'f8', 'f9', 'f10', 'f11']
const rights = fc
  .array(fc.boolean(), { minLength: flagNames.length, maxLength: flagNames.length })
  .map((bits) => Object.fromEntries(flagNames.map((name, index) => [name, bits[index]])))
const someOr = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(value, { nil: undefined })
const twice = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof(
    fc.constant({ tag: 'none' }),
    someOr(value).map((val) => ({ tag: 'some', val })),
  )
const tagged = (tag: string, val: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  val.map((val) => ({ tag, val }))
const shape = fc.oneof(
  fc.constant({ tag: 'none' }),
  tagged('circle', float),
  tagged('named', text),
  tagged('corners', fc.array(point, { maxLength: 5 })),
  tagged('count', u64),
  tagged('tint', colour),
  tagged('nested', twice(fc.nat(255))),
  tagged('pair', fc.tuple(fc.nat(255), s64)),
)
const listOf = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(value, { maxLength: 12 })

const values: Record<string, fc.Arbitrary<unknown>> = {
  boolOf: fc.boolean(),
  u8Of: fc.nat(255),
  s8Of: fc.integer({ min: -128, max: 127 }),
  u16Of: fc.nat(0xffff),
  s16Of: fc.integer({ min: -0x8000, max: 0x7fff }),
  u32Of: u32,
  s32Of: s32,
  u64Of: u64,
  s64Of: s64,
  f32Of: fc.float(),
  f64Of: fc.double(),
  charOf: char,
  stringOf: fc.oneof(text, fc.string({ unit: 'binary', maxLength: 5000 })),
  bytesOf: fc.uint8Array({ maxLength: 3000 }),
  u16sOf: fc.uint16Array(),
  boolsOf: listOf(fc.boolean()),
  f64sOf: fc.float64Array({ noNaN: true }),
  charsOf: listOf(char),
  stringsOf: fc.array(text, { maxLength: 200 }),
  listsOf: listOf(listOf(text)),
  coloursOf: listOf(colour),
  rightsListOf: listOf(rights),
  pointOf: point,
  mixedOf: mixed,
  colourOf: colour,
  rightsOf: rights,
  shapeOf: shape,
  shapesOf: listOf(shape),
  optionOf: someOr(text),
  optionNumberOf: someOr(u32),
  optionTwiceOf: twice(text),
  tupleOf: fc.tuple(fc.nat(255), text, point),
  resultInList: listOf(fc.oneof(fc.constant({ tag: 'ok', val: undefined }), tagged('err', text))),
}

describe('a component in AssemblyScript', () => {
  it('is asked for every function of its world', async () => {
    const { echo } = start()
    const tested = [...Object.keys(values), 'resultOf', 'resultOneOf', 'many', 'seventeen']
    expect(Object.keys(echo).sort()).toEqual(tested.sort())
  })

  it.each(Object.entries(values))('gets and gives back values unchanged: %s', (name, value) => {
    const { echo } = start()
    fc.assert(
      fc.property(value, (given) => {
        expect(echo[name]?.(given)).toEqual(given)
      }),
      { numRuns: 60 },
    )
  })

  it.each(['resultOf', 'resultOneOf'])(
    'returns an ok as a value and an err as what was thrown: %s',
    (name) => {
      const { echo } = start()
      const sides = name === 'resultOf' ? ([text, u32] as const) : ([float, double] as const)
      fc.assert(
        fc.property(sides[0], sides[1], (ok, err) => {
          expect(echo[name]?.({ tag: 'ok', val: ok })).toEqual(ok)
          let thrown: unknown
          try {
            echo[name]?.({ tag: 'err', val: err })
          } catch (error) {
            thrown = (error as { payload?: unknown }).payload ?? error
          }
          expect(thrown).toEqual(err)
        }),
        { numRuns: 40 },
      )
    },
  )

  it('takes parameters that are too many to be passed flat, and returns them', () => {
    const { echo } = start()
    fc.assert(
      fc.property(mixed, text, shape, fc.uint32Array(), (a, b, c, d) => {
        expect(echo['many']?.(a, b, c, d)).toEqual([a, b, c, d])
      }),
      { numRuns: 60 },
    )
    const letters = ['e', 'f', 'g', 'h', 'i', 'j']
    expect(echo['seventeen']?.(1, 2n, 0.5, 0.25, ...letters, -9)).toEqual([
      '1',
      '2',
      '0.5',
      '0.25',
      ...letters,
      '-9',
    ])
  })

  it('calls imports with values that come back unchanged', () => {
    const app = start()
    fc.assert(
      fc.property(shape, (given) => {
        expect(app.viaHost(given)).toEqual(given)
      }),
      { numRuns: 60 },
    )
    expect(notes.at(-1)).toBe('mb3')
  })

  it('replaces halves of surrogate pairs, which no string of WIT can hold', () => {
    const { echo } = start()
    expect(echo['stringOf']?.('a\ud800b\udc00\u{1f600}')).toBe('a\ufffdb\ufffd\u{1f600}')
  })

  it('exports a function whose name is a keyword', () => {
    expect(start().delete({ x: 3, y: 0.5 })).toBe('3 0.5')
  })

  it('keeps its memory through any sequence of calls', () => {
    const memories: WebAssembly.Memory[] = []
    const { echo } = start(memories)
    const sizes = (): number[] => memories.map((memory) => memory.buffer.byteLength)
    const list = Array.from({ length: 50 }, (_, index) => `text ${index} `.repeat(10))
    for (let round = 0; round < 20; round++) echo['stringsOf']?.(list)
    const before = sizes()
    for (let round = 0; round < 2000; round++) echo['stringsOf']?.(list)
    expect(sizes()).toEqual(before)
  })
})

describe('resources in AssemblyScript', () => {
  it('of the host are made, lent, given away and dropped', () => {
    const app = start()
    Counter.dropped = 0
    expect(app.counters(new Uint32Array([1, 2, 3]))).toBe(6 * 1000 + 3)
    // The third, and the one merged of the first two.
    expect(Counter.dropped).toBe(2)
  })

  it('that are lent to an export go back at its end, and can be kept where they are given', () => {
    const app = start()
    const counter = new Counter(5)
    for (let round = 0; round < 100; round++) app.lend.twice(counter, 1)
    expect(counter.value).toBe(205)
    app.lend.keep(counter)
    expect(app.lend.kept()).toBe(counter)
    expect(app.lend.kept()).toBeUndefined()
  })

  it('of the app are made, called and returned by the host', () => {
    const { store } = start()
    const box = new store.Box('one')
    expect(box.text()).toBe('one')
    expect(box.replace('two')).toBe('one')
    expect(box.text()).toBe('two')
    expect(store.Box.empty().replace('x')).toBeUndefined()
    const joined = store.Box.join(box, new store.Box('!'))
    expect(joined.text()).toBe('two!')
    const swapped = store.swap([joined, box])
    expect(swapped.map((one) => one.text())).toEqual(['two', 'two!'])
  })

  it('of the app live while the host has them, and are collected after', () => {
    const { store } = start()
    const boxes = Array.from({ length: 300 }, (_, index) => new store.Box(`box ${index}`))
    expect(store.alive()).toBe(300)
    expect(boxes.every((box, index) => box.text() === `box ${index}`)).toBe(true)
    for (const box of boxes) (box as unknown as Record<symbol, () => void>)[disposeKey]?.()
    expect(store.alive()).toBe(0)
  })
})

describe('the other runtimes of AssemblyScript', () => {
  it('work with the same bindings: incremental', async () => {
    const instantiate = await transpiled(await buildWith('incremental'), join(folder, 'incremental.mjs'))
    const { echo, store } = instantiate(imports) as Exports
    fc.assert(
      fc.property(listOf(shape), listOf(text), (shapes, texts) => {
        expect(echo['shapesOf']?.(shapes)).toEqual(shapes)
        expect(echo['stringsOf']?.(texts)).toEqual(texts)
      }),
      { numRuns: 200 },
    )
    expect(new store.Box('kept').text()).toBe('kept')
  }, 120_000)

  it('that forget objects are refused where the world exports resources: stub', async () => {
    await expect(buildWith('stub')).rejects.toMatchObject({
      code: 'ERR_BUILD_FAILED',
      message: expect.stringContaining('the runtime "stub" forgets objects after every call'),
    })
  }, 120_000)
})
