import { describe, expect, test } from 'vitest'
import { exposeState } from '../../../host/engine/core-state.ts'
import { coreModule } from '../../guests/index.ts'

async function exposed(...wats: string[]): Promise<ReturnType<typeof exposeState>> {
  const modules = await Promise.all(
    wats.map(async (wat, index) => [`m${index}`, await coreModule(wat)] as const),
  )
  return exposeState(new Map(modules))
}

async function exportsOf(wat: string): Promise<readonly WebAssembly.ModuleExportDescriptor[]> {
  const result = await exposed(wat)
  return WebAssembly.Module.exports(new WebAssembly.Module(new Uint8Array(result!.modules.get('m0')!)))
}

describe('an exposed module', () => {
  test.each([
    ['without exports', '(module (memory 1) (global (mut i32) (i32.const 1)))'],
    [
      'with code and data behind its exports',
      '(module (memory 1) (global (mut i32) (i32.const 1)) (func) (data "x"))',
    ],
    ['with a start function', '(module (memory 1) (global (mut i32) (i32.const 1)) (func $f) (start $f))'],
    [
      'with exports of its own',
      '(module (memory (export "m") 1) (global (mut i32) (i32.const 1)) (func (export "f")))',
    ],
    [
      'with computed globals',
      '(module (memory 1) (global i64 (i64.add (i64.const 1) (i64.const 2))) (global (mut i32) (i32.const 1)))',
    ],
    ['with a tag', '(module (memory 1) (tag) (global (mut i32) (i32.const 1)))'],
  ])('%s exports its memory and its mutable globals too', async (_, wat) => {
    const found = (await exportsOf(wat)).filter(({ name }) => name.startsWith('state:'))
    expect(found.map(({ kind }) => kind)).toEqual(['memory', 'global'])
  })

  test('leaves what it imports to whom it belongs', async () => {
    const wat = `(module (import "a" "m" (memory 1)) (import "a" "g" (global (mut i32))) (import "a" "t" (table 1 funcref))
      (import "a" "f" (func)) (global (mut i64) (i64.const 5)))`
    expect(await exportsOf(wat)).toEqual([{ name: 'state:global:1', kind: 'global' }])
  })

  test('without state stays as it is', async () => {
    const module = await coreModule('(module (func (export "f")))')
    expect(exposeState(new Map([['a', module]]))?.modules.get('a')).toBe(module)
  })

  test('gets names that no module of the component has', async () => {
    const plain = '(module (memory 1))'
    const result = await exposed(plain, '(module (func (export "state:memory")) (func (export "state$")))')
    expect(result?.prefix).toBe('state$$')
  })
})

describe('not put back is a component of which one module', () => {
  test.each([
    ['sets a table', '(module (table 1 funcref) (func (table.set (i32.const 0) (ref.null func))))'],
    ['grows a table', '(module (table 1 funcref) (func (drop (table.grow (ref.null func) (i32.const 1)))))'],
    [
      'fills a table',
      '(module (table 1 funcref) (func (table.fill (i32.const 0) (ref.null func) (i32.const 1))))',
    ],
    [
      'copies a table',
      '(module (table 1 funcref) (func (table.copy (i32.const 0) (i32.const 0) (i32.const 1))))',
    ],
    [
      'writes a segment to a table',
      '(module (table 1 funcref) (elem $e funcref) (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 0))))',
    ],
    ['drops an element segment', '(module (elem $e funcref) (func (elem.drop $e)))'],
    ['drops a data segment', '(module (memory 1) (data $d "x") (func (data.drop $d)))'],
    ['has shared memory', '(module (memory 1 1 shared) (func (drop (i32.atomic.load (i32.const 0)))))'],
    ['keeps a reference in a global', '(module (global (mut funcref) (ref.null func)))'],
    ['keeps a vector in a global', '(module (global (mut v128) (v128.const i64x2 0 0)))'],
    ['has collected objects', '(module (type $s (struct)) (func (drop (struct.new $s))))'],
  ])('%s', async (_, wat) => {
    expect(await exposed('(module (memory 1))', wat)).toBeNull()
  })

  test('but reading tables and copying memory is no hindrance', async () => {
    const wat = `(module (memory 1) (table 1 funcref) (data $d "x")
      (func (drop (table.get (i32.const 0))) (drop (table.size))
        (memory.copy (i32.const 0) (i32.const 0) (i32.const 1)) (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))))`
    expect(await exposed(wat)).not.toBeNull()
  })
})
