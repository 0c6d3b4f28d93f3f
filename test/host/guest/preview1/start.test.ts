/** Whole modules: commands, reactors, and what is neither. */
import { describe, expect, it } from 'vitest'
import { coreModule } from '../../../guests/index.ts'
import { Exit, Guest } from './kit.ts'

async function run(
  wat: string,
  guest = new Guest(),
): Promise<{ readonly code: number; readonly instance: WebAssembly.Instance }> {
  const module = new WebAssembly.Module((await coreModule(wat)) as Uint8Array<ArrayBuffer>)
  const instance = new WebAssembly.Instance(module, guest.preview1.imports as unknown as WebAssembly.Imports)
  return { code: guest.preview1.start(instance), instance }
}
const imports = `
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)`

describe('a command', () => {
  it('runs to its end, and what it wrote has arrived', async () => {
    const guest = new Guest()
    const { code } = await run(
      `(module ${imports}
        (data (i32.const 8) "hello\\n")
        (func (export "_start")
          (i32.store (i32.const 0) (i32.const 8))
          (i32.store (i32.const 4) (i32.const 6))
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 100)))))`,
      guest,
    )
    expect(code).toBe(0)
    expect(guest.written[1]).toBe('hello\n')
  })

  it('that exits has its code, from however deep', async () => {
    const { code } = await run(`(module ${imports}
      (func $deep (call $exit (i32.const 42)))
      (func (export "_start") (call $deep) (unreachable)))`)
    expect(code).toBe(42)
  })

  it('that traps throws its trap', async () => {
    await expect(run(`(module ${imports} (func (export "_start") unreachable))`)).rejects.toThrow(
      WebAssembly.RuntimeError,
    )
  })

  it('sees its memory after it has grown', async () => {
    const guest = new Guest()
    await run(
      `(module ${imports}
        (func (export "_start")
          (drop (memory.grow (i32.const 2)))
          (i32.store8 (i32.const 131080) (i32.const 33))
          (i32.store (i32.const 0) (i32.const 131080))
          (i32.store (i32.const 4) (i32.const 1))
          (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 100)))))`,
      guest,
    )
    expect(guest.written[2]).toBe('!')
  })
})

describe('a reactor', () => {
  it('is initialised, and its exports can be called', async () => {
    const { code, instance } = await run(`(module ${imports}
      (global $ready (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $ready (i32.const 7)))
      (func (export "ready") (result i32) (global.get $ready))
      (func (export "leave") (call $exit (i32.const 3))))`)
    expect(code).toBe(0)
    expect((instance.exports['ready'] as () => number)()).toBe(7)
    expect(() => (instance.exports['leave'] as () => void)()).toThrow(Exit)
  })

  it('that is a command too is neither', async () => {
    const both = `(module ${imports} (func (export "_start")) (func (export "_initialize")))`
    await expect(run(both)).rejects.toThrow(/neither command nor reactor/)
  })
})
