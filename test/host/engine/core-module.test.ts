import { describe, expect, test } from 'vitest'
import { MalformedError } from '../../../host/engine/byte-reader.ts'
import { capModule, memoriesOf, pageBytes, tablesOf } from '../../../host/engine/core-module.ts'
import { spareTableEntries } from '../../../host/engine/prepare-job.ts'
import { featuresOf } from '../../../host/engine/features.ts'
import { coreModule } from '../../guests/index.ts'

async function instance(wat: string, maxPages: number, spareEntries = 1_000): Promise<WebAssembly.Exports> {
  const capped = capModule(await coreModule(wat), maxPages, spareEntries)
  return (await WebAssembly.instantiate(new Uint8Array(capped))).instance.exports
}

describe('a capped module', () => {
  test('cannot grow its memory past the cap, and up to it it can', async () => {
    const { memory } = await instance('(module (memory (export "memory") 1))', 300)
    expect((memory as WebAssembly.Memory).grow(299)).toBe(1)
    expect(() => (memory as WebAssembly.Memory).grow(1)).toThrow(RangeError)
    expect((memory as WebAssembly.Memory).buffer.byteLength).toBe(300 * pageBytes)
  })

  test('keeps a lower maximum of its own', async () => {
    const { memory } = await instance('(module (memory (export "memory") 1 2))', 300)
    ;(memory as WebAssembly.Memory).grow(1)
    expect(() => (memory as WebAssembly.Memory).grow(1)).toThrow(RangeError)
  })

  test('cannot grow its tables past their cap', async () => {
    const { table } = await instance('(module (table (export "table") 1 funcref))', 1, 9)
    ;(table as WebAssembly.Table).grow(9)
    expect(() => (table as WebAssembly.Table).grow(1)).toThrow(RangeError)
  })

  test('shares the entries of all tables out, and is refused where they begin with more', async () => {
    const module = await coreModule('(module (table 3 funcref) (table 4 externref) (table 1 2 funcref))')
    expect(tablesOf(module)).toEqual([3, 4, 1])
    expect(spareTableEntries([module, module], 22)).toBe(1)
    expect(spareTableEntries([], 22)).toBe(0)
    expect(() => spareTableEntries([module, module, module], 22)).toThrow(MalformedError)
  })

  test('is otherwise the same, byte for byte', async () => {
    const wat = '(module (func $named (export "run") (result i32) (i32.const 42)) (data "x"))'
    const module = await coreModule(wat)
    expect(Buffer.from(capModule(module, 5, 5)).equals(Buffer.from(module))).toBe(true)
  })

  test('tells its memories, and not the one it imports', async () => {
    const module = await coreModule('(module (import "a" "b" (memory 9)) (memory 3 7))')
    expect(memoriesOf(module)).toEqual([{ minPages: 3, maxPages: 7 }])
  })

  test('is refused with a 64-bit memory', async () => {
    expect(() => memoriesOf(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 4, 1))).toThrow(
      MalformedError,
    )
  })
})

describe('features', () => {
  test.each([
    ['(module (func (param i32) (result i32) (i32.extend8_s (local.get 0))))', []],
    ['(module (func (result v128) (v128.const i32x4 18 18 18 18)))', ['simd']],
    ['(module (memory 1) (func (drop (v128.load8_lane 3 (i32.const 0) (v128.const i64x2 0 0)))))', ['simd']],
    ['(module (func $f (return_call $f)))', ['tail-call']],
    ['(module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0)))))', ['threads']],
    ['(module (tag $e) (func (throw $e)))', ['exceptions']],
    ['(module (type $s (struct)) (func (drop (struct.new $s))))', ['gc']],
    [
      // Immediates that hold bytes of other opcodes: read as such they would be found.
      `(module (memory 1) (table 1 funcref) (func (local i64 f32 f64)
        (drop (i64.const -1234567890123)) (drop (f64.const 1e300)) (drop (f32.const 3.5))
        (memory.copy (i32.const 0) (i32.const 253) (i32.const 254)) (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
        (block (block (br_table 0 1 0 (i32.const 18)))) (drop (i32.trunc_sat_f64_s (f64.const 0)))
        (drop (select (result i32) (i32.const 0xfd) (i32.const 0xfe) (i32.const 0xfb)))))`,
      [],
    ],
  ])('of %s are %j', async (wat, features) => {
    expect(featuresOf(await coreModule(wat))).toEqual(features)
  })
})
