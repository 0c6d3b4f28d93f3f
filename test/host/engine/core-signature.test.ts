import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parametersOf } from '../../../host/engine/core-signature.ts'
import { coreModule } from '../../guests/index.ts'

const plain = `(module
  (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
  (memory (export "memory") 1)
  (func (export "none"))
  (func (export "all") (param i32 i64 f32 f64) (result i64) (i64.const 1))
  (func $own (param f64))
)`

test('the parameters of an exported function are found behind those that are imported', async () => {
  const module = await coreModule(plain)
  expect(parametersOf(module, 'all')).toEqual(['i32', 'i64', 'f32', 'f64'])
  expect(parametersOf(module, 'none')).toEqual([])
})

test('what is no exported function has none', async () => {
  const module = await coreModule(plain)
  for (const name of ['memory', 'own', 'missing', '__proto__']) expect(parametersOf(module, name)).toBeNull()
})

test('a function with more than numbers is left to whoever calls it', async () => {
  const module = await coreModule(
    '(module (func (export "f") (param externref)) (func (export "g") (param i32)))',
  )
  expect(parametersOf(module, 'f')).toBeNull()
})

test('no bytes make it fail or run on', async () => {
  const module = await coreModule(plain)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: module.length - 1 }), fc.nat({ max: 255 })), { maxLength: 4 }),
      fc.nat({ max: module.length }),
      (changes, length) => {
        const damaged = module.slice(0, length)
        for (const [at, byte] of changes) if (at < length) damaged[at] = byte
        const found = parametersOf(damaged, 'all')
        expect(found === null || Array.isArray(found)).toBe(true)
      },
    ),
  )
})
