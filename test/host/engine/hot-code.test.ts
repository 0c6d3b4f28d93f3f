import { expect, test } from 'vitest'
import { coreModule } from '../../guests/index.ts'

/** Sums what is made of three numbers in turn, in a loop that is long enough to be optimised. */
const summing = `(module
  (memory (export "memory") 1)
  (func (export "sum") (param $turns i32) (result i64) (local $at i32) (local $sum i64)
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (i64.add (i64.add
        (i64.extend_i32_s (i32.wrap_i64 (i64.load (local.get $at))))
        (i64.extend_i32_u (i32.wrap_i64 (i64.shr_u (i64.load (local.get $at)) (i64.const 32)))))
        (i64.extend_i32_u (i32.lt_u (i32.wrap_i64 (i64.load (local.get $at))) (i32.const 128))))))
      (local.set $at (select (i32.const 0) (i32.add (local.get $at) (i32.const 8)) (i32.eq (local.get $at) (i32.const 16))))
      (br_if $again (local.tee $turns (i32.sub (local.get $turns) (i32.const 1)))))
    (local.get $sum)))`

const numbers = [0x0000004e_ffffff49n, 0x8000004e_00000049n, 0x12345678_0000004en]
const turns = 300_000

test('a number of 32 bits out of one of 64 is the same in code that has run often', async () => {
  const module = new WebAssembly.Module(new Uint8Array(await coreModule(summing)))
  const { memory, sum } = new WebAssembly.Instance(module).exports as {
    memory: WebAssembly.Memory
    sum: (turns: number) => bigint
  }
  const view = new DataView(memory.buffer)
  for (const [index, number] of numbers.entries()) view.setBigUint64(index * 8, number, true)
  const each = numbers.map((number) => {
    const low = number & 0xffff_ffffn
    return BigInt.asIntN(32, low) + (number >> 32n) + (low < 128n ? 1n : 0n)
  })
  const expected = each.reduce((all, one) => all + one) * BigInt(turns / numbers.length)
  for (let round = 0; round < 4; round += 1) {
    expect(sum(turns)).toBe(expected)
    // It is optimised beside this thread.
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})
