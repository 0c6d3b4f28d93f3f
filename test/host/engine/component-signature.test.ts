import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { signatureOf, type Signature } from '../../../host/engine/index.ts'
import { coreModule, guest } from '../../guests/index.ts'
import { handle } from './kit.ts'

const library = `(component
  (core module $m
    (memory (export "m") 1) (func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable)
    (func (export "run") (param i32 i32 i32 i64) (result i32) unreachable)
    (func (export "none")))
  (core instance $i (instantiate $m))
  (type $level (enum "low" "high"))
  (export $named "level" (type $level))
  (type $text (option string))
  (type $run (func (param "level" $named) (param "pair" (tuple u8 bool)) (param "big-one" u64) (result $text)))
  (type $none (func))
  (func $f (type $run) (canon lift (core func $i "run") (memory (core memory $i "m")) (realloc (core func $i "realloc"))))
  (func $n (type $none) (canon lift (core func $i "none")))
  (export "run-it" (func $f))
  (instance $inner (export "again" (func $f)))
  (export "own:package/inner@1.2.0" (instance $inner))
  (export "none" (func $n)))`

const run: Signature = {
  kind: 'function',
  parameters: [
    { name: 'level', type: { kind: 'enum', names: ['low', 'high'] } },
    { name: 'pair', type: { kind: 'tuple', items: [{ kind: 'u8' }, { kind: 'bool' }] } },
    { name: 'big-one', type: { kind: 'u64' } },
  ],
  result: { kind: 'option', item: { kind: 'string' } },
}

let bytes: Uint8Array
beforeAll(async () => {
  bytes = await coreModule(library)
})

test.each([
  ['run-it', run],
  ['runIt', run],
  ['own:package/inner@1.2.0#again', run],
  ['own:package/inner@1.2.3#again', run],
  ['none', { kind: 'function', parameters: [], result: null }],
  ['own:package/inner@2.0.0#again', null],
  ['own:package/inner@1.2.0#nothing', null],
  ['level', null],
  ['nothing', null],
] as const)('%s takes what its type says', (target, signature) => {
  expect(signatureOf(bytes, target)).toEqual(signature)
})

test('a function of an interface is found behind what a toolchain puts around it', async () => {
  const signature = signatureOf(await guest('echo'), handle)
  expect(signature?.parameters).toEqual([
    { name: 'event', type: expect.objectContaining({ kind: 'record' }) as unknown },
  ])
  const [event] = signature?.parameters ?? []
  if (event?.type?.kind !== 'record') throw new Error('it takes no record')
  expect(event.type.members.map(({ name, type }) => [name, type?.kind])).toEqual([
    ['id', 'u64'],
    ['sensor', 'string'],
    ['reading', 'record'],
  ])
})

test('of a file that is damaged nothing is told, in bounded time', async () => {
  const whole = [bytes, await guest('echo')]
  fc.assert(
    fc.property(fc.nat(), fc.nat(), fc.nat(255), fc.boolean(), (which, where, byte, cut) => {
      const mutated = Uint8Array.from(whole[which % 2]!)
      const at = where % mutated.length
      mutated[at] = byte
      signatureOf(cut ? mutated.subarray(0, at) : mutated, which % 2 === 0 ? 'run-it' : handle)
    }),
    { numRuns: 2_000 },
  )
})
