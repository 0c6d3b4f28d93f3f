import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import * as fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { MalformedError } from '../../../host/engine/byte-reader.ts'
import { usesAsync } from '../../../host/engine/component-async.ts'
import { guest } from '../../guests/index.ts'
import { makeEngine } from './kit.ts'

const core =
  '(core module $m (memory (export "m") 1) (func (export "f") (result i32) i32.const 0) (func (export "g")))'
const made = `${core} (core instance $i (instantiate $m))`

test.each([
  ['nothing', '', false],
  [
    'functions that do not wait',
    `${made} (func (export "f") (result u32) (canon lift (core func $i "f")))`,
    false,
  ],
  [
    'a resource of its own',
    `(type $r (resource (rep i32))) (core func (canon resource.new $r)) (core func (canon resource.rep $r))
     (core func (canon resource.drop $r))`,
    false,
  ],
  [
    'an instance full of types, none of which waits',
    `(import "a:b/c@1.0.0" (instance
       (type $v (variant (case "x" u8) (case "y"))) (export "v" (type $w (eq $v)))
       (type $f (flags "p" "q")) (export "f" (type (eq $f)))
       (type $e (enum "p" "q")) (export "e" (type (eq $e)))
       (type $t (record (field "l" (list (tuple u8 string))) (field "o" (option $w)) (field "r" (result s64 (error f32)))))
       (export "t" (type $u (eq $t)))
       (export "r" (type $r (sub resource)))
       (export "use" (func (param "self" (borrow $r)) (param "t" $u) (result (own $r))))))`,
    false,
  ],
  [
    'an exported function of type async',
    `${made} (func (export "f") async (result u32) (canon lift (core func $i "f")))`,
    true,
  ],
  [
    'an export lifted by the asynchronous ABI',
    `${made} (core func $r (canon task.return)) (func (export "f") async (canon lift (core func $i "g") async))`,
    true,
  ],
  ['an imported async function', '(import "wait" (func async))', true],
  ['one inside an imported instance', '(import "a:b/c@1.0.0" (instance (export "wait" (func async))))', true],
  ['a stream in a type', '(type (stream u8))', true],
  ['a future in an imported signature', '(import "f" (func (result (future))))', true],
  ['a waitable set', '(core func (canon waitable-set.new))', true],
  ['a component inside that waits', '(component (component (core func (canon task.cancel))))', true],
])('a component with %s: %#', async (_what, body, expected) => {
  expect(usesAsync(await parse(`(component ${body})`))).toBe(expected)
})

const callback =
  '(func (export "cb") (param i32 i32 i32) (result i32) i32.const 0) (func (export "s") (result i32) i32.const 0)'
const withCallback = `(core module $m ${callback} (func (export "g"))) (core instance $i (instantiate $m))`
const stackful = '(func (export "f") async (canon lift (core func $i "g") async))'
const stackless =
  '(func (export "f") async (canon lift (core func $i "s") async (callback (core func $i "cb"))))'

test.each([
  ['with a callback', stackless],
  ['without one', stackful],
])('an asynchronous export %s needs it, and is no reason to refuse', async (_what, body) => {
  const bytes = await parse(`(component ${withCallback} ${body})`)
  const engine = makeEngine()
  onTestFinished(() => engine.stop())
  expect((await engine.inspect(bytes)).features).toContain('component-model-async')
})

test('guests of WASI 0.2 need nothing of it', async () => {
  for (const name of ['wasi', 'relay', 'unknown'] as const) expect(usesAsync(await guest(name))).toBe(false)
})

test('changed bytes are read or refused as malformed, in time', async () => {
  const original = await guest('wasi')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat({ max: original.length - 1 }), fc.nat({ max: 255 })), {
        minLength: 1,
        maxLength: 8,
      }),
      (changes) => {
        const bytes = original.slice()
        for (const [at, value] of changes) bytes[at] = value
        try {
          usesAsync(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError)
        }
      },
    ),
    { numRuns: 500 },
  )
})
