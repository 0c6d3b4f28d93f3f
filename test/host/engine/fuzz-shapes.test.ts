/** Files of a hostile shape: much of something for a few bytes. Each is refused, or run within its limits. */
import { afterAll, describe, expect, test } from 'vitest'
import { digestOf, isSelvedgeError } from '../../../core/index.ts'
import { coreModule } from '../../guests/index.ts'
import { bytes, component, core, name, section, signed, vector } from './hostile.ts'
import { joinBytes } from '../../../host/engine/core-module.ts'
import { encodeU32 } from '../../../host/engine/byte-reader.ts'
import { makeEngine } from './kit.ts'

// Far below the engine's own two minutes: none of these may come near them.
const engine = makeEngine({ prepareMs: 30_000 })
afterAll(() => engine.stop())

const wat = (text: string) => (): Promise<Uint8Array> => coreModule(text)
const at = (file: Uint8Array) => (): Promise<Uint8Array> => Promise.resolve(file)

function nested(depth: number): Uint8Array {
  let file = component()
  for (let left = depth; left > 0; left -= 1) file = component(section(4, file))
  return file
}

/** Types of which each holds the one before twice: 2^depth leaves for eight bytes each. */
function typeBomb(depth: number): Uint8Array {
  const tuples = vector(depth + 2, (index) => {
    if (index === 0) return bytes(0x6f, 2, 0x7d, 0x7d)
    if (index <= depth) return joinBytes([bytes(0x6f, 2), signed(index - 1), signed(index - 1)])
    return joinBytes([bytes(0x40, 1), name('x'), signed(depth), bytes(1, 0)])
  })
  return component(section(7, tuples), section(10, bytes(1, 0), name('f'), bytes(1), encodeU32(depth + 1)))
}

/** Instance types of which each exports the one before twice. */
function instanceBomb(depth: number): string {
  const types = Array.from(
    { length: depth },
    (_, index) =>
      `(type $t${index + 1} (instance (export "a" (instance (type $t${index}))) (export "b" (instance (type $t${index})))))`,
  )
  return `(component (type $t0 (instance (export "f" (func)))) ${types.join(' ')} (import "x" (instance (type $t${depth}))))`
}

const many = 100_000
const emptyFunction = [
  section(1, bytes(1, 0x60, 0, 0)),
  section(3, bytes(1, 0)),
  section(10, bytes(1, 2, 0, 0x0b)),
] as const
const [types, functions, code] = emptyFunction

const shapes: readonly (readonly [string, () => Promise<Uint8Array>, RegExp])[] = [
  ['a module with 4 GiB of memory', wat('(module (memory 65536))'), /ERR_MEMORY_LIMIT/],
  [
    'a module with the largest table',
    wat('(module (table 4294967295 funcref))'),
    /ERR_COMPONENT_INVALID: .*table/,
  ],
  [
    'a module with a hundred tables',
    wat(`(module ${'(table 900000 funcref)'.repeat(100)})`),
    /tables begin with 90000000 entries/,
  ],
  [
    'a module with a hundred memories',
    wat(`(module ${'(memory 1)'.repeat(100)})`),
    /ERR_(COMPONENT_INVALID|FEATURE_MISSING)/,
  ],
  [
    'a module with 100,000 exports',
    at(
      core(
        types,
        functions,
        section(
          7,
          vector(many, (index) => joinBytes([name(`e${index}`), bytes(0, 0)])),
        ),
        code,
      ),
    ),
    /100000 exports, more than/,
  ],
  [
    'a module with 100,000 imports',
    at(
      core(
        types,
        section(
          2,
          vector(many, () => joinBytes([name('wasi_snapshot_preview1'), name('fd_write'), bytes(0, 0)])),
        ),
      ),
    ),
    /100000 imports, more than|ERR_COMPONENT_INVALID/,
  ],
  [
    'a module whose names would steer a terminal',
    at(
      core(
        types,
        section(2, bytes(1), name('\u001b[31mevil\r\n\u0007'), name('x\u202e\u009b31m'), bytes(0, 0)),
      ),
    ),
    /^ERR_CORE_MODULE: [^\p{Cc}\u202e]*\n {3}\[31mevil {2}x 31m$/u,
  ],
  [
    'a data segment behind the memory',
    wat('(module (memory 1) (data (i32.const 65530) "0123456789"))'),
    /taken/,
  ],
  [
    'an element segment as long as it may be',
    wat(`(module (table 10000 funcref) (func $f) (elem (i32.const 0) ${'$f '.repeat(10_000)}))`),
    /taken/,
  ],
  [
    'a component with 4 GiB of memory',
    wat('(component (core module $m (memory 65536)) (core instance (instantiate $m)))'),
    /ERR_MEMORY_LIMIT/,
  ],
  [
    'a component with 10,000 core modules',
    at(component(...Array.from({ length: 10_000 }, () => section(1, core())))),
    /more than 1000 core modules/,
  ],
  ['components in components', at(nested(100)), /nested deeper/],
  [
    '20,000 imported functions',
    at(
      component(
        section(7, bytes(1, 0x40, 0, 1, 0)),
        section(
          10,
          vector(20_000, (index) => joinBytes([bytes(0), name(`f${index}`), bytes(1, 0)])),
        ),
      ),
    ),
    /more than 10000 names/,
  ],
  [
    '9,000 imported functions',
    at(
      component(
        section(7, bytes(1, 0x40, 0, 1, 0)),
        section(
          10,
          vector(9_000, (index) => joinBytes([bytes(0), name(`f${index}`), bytes(1, 0)])),
        ),
      ),
    ),
    /imports 9000 interfaces[^]*and 8960 more$/,
  ],
  [
    'lists in lists, 10,000 deep',
    at(
      component(
        section(
          7,
          encodeU32(10_001),
          bytes(0x70, 0x7d),
          ...Array.from({ length: 10_000 }, (_, index) => joinBytes([bytes(0x70), signed(index)])),
        ),
      ),
    ),
    /ERR_COMPONENT_INVALID: .*nesting is too deep/,
  ],
  ['types that double sixty times', at(typeBomb(60)), /ERR_COMPONENT_INVALID: .*size/],
  ['types that double as often as the validator allows', at(typeBomb(15)), /ERR_IMPORTS_REFUSED/],
  ['instances that double sixty times', wat(instanceBomb(60)), /ERR_COMPONENT_INVALID: .*(size|type)/],
  ['60 MB of nothing', at(component(section(0, name('junk'), new Uint8Array(60 * 1024 * 1024)))), /taken/],
  [
    'an import with a name that no WIT has',
    at(
      component(
        section(7, bytes(1, 0x40, 0, 1, 0)),
        section(10, bytes(1, 0), name('evil\u001b[31m\n'), bytes(1, 0)),
      ),
    ),
    /ERR_COMPONENT_INVALID: [^\p{Cc}]*$/u,
  ],
]

describe('prepare', () => {
  test.each(shapes)('bounds %s', async (_, make, expected) => {
    const file = await make()
    const request = {
      bytes: file,
      digest: digestOf(file),
      granted: [],
      offered: [],
      requiredExports: [],
      memoryBytes: 4_194_304,
    }
    const outcome = await engine.prepare(request).then(
      () => 'taken',
      (error: unknown) => {
        if (!isSelvedgeError(error)) throw error
        expect(error.message.length).toBeLessThan(60_000)
        return `${error.code}: ${error.message}`
      },
    )
    expect(outcome).toMatch(expected)
  })

  test('says of an import in another version which is wanted, which is offered, and what lists the rest', async () => {
    const file = await coreModule(`(component
      (import "wasi:io/poll@0.2.99" (instance $p (export "poll" (func (param "x" u32)))))
      (core func $l (canon lower (func $p "poll")))
      (core module $m (import "a" "b" (func (param i32))))
      (core instance (instantiate $m (with "a" (instance (export "b" (func $l)))))))`)
    const request = {
      bytes: file,
      digest: digestOf(file),
      granted: [],
      offered: [],
      requiredExports: [],
      memoryBytes: 4_194_304,
    }
    await expect(engine.prepare(request)).rejects.toMatchObject({
      code: 'ERR_IMPORTS_REFUSED',
      message: expect.stringMatching(
        /wasi:io\/poll@0\.2\.99: wants version 0\.2\.99, this node offers 0\.2\.\d+, which cannot stand in for it/,
      ) as string,
      hint: expect.stringContaining('`selvedge interfaces` lists what it offers') as string,
    })
  })
})
