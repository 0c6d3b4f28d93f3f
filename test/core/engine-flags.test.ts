import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { baselineFlags, engineFlags, most32BitPages } from '../../core/engine-flags.ts'

const extended = '--experimental-wasm-extended-const'
const bound = `--wasm-max-mem-pages=${most32BitPages}`

describe('the flags of the engine', () => {
  test('are none on a machine of today', () => {
    expect(engineFlags('x64', 22, [])).toEqual([])
    expect(engineFlags('arm64', 24, [])).toEqual([])
  })

  test('let an older V8 take what recent toolchains write', () => {
    expect(engineFlags('x64', 18, [])).toEqual([extended])
    expect(engineFlags('mips64el', 20, [])).toEqual([extended])
  })

  test('leave the optimising compiler out on RISC-V, which ends the process there', () => {
    expect(engineFlags('riscv64', 20, [])).toEqual([extended, ...baselineFlags])
    expect(engineFlags('riscv64', 24, [])).toEqual([...baselineFlags])
  })

  test('bound what a memory takes of 32-bit addresses, unless the process was started with a bound', () => {
    for (const arch of ['arm', 'mipsel']) expect(engineFlags(arch, 18, [])).toEqual([extended, bound])
    expect(engineFlags('arm', 18, ['--wasm-max-mem-pages=512'])).toEqual([extended])
  })

  test('are known to this V8, and make one memory end where they say', () => {
    const program =
      'const memory = new WebAssembly.Memory({ initial: 1, maximum: 32768 });' +
      `memory.grow(${most32BitPages - 1});` +
      'try { memory.grow(1); console.log("grew") } catch { console.log("full") }'
    // A 32-bit process may not find so much in one piece.
    if (['arm', 'mipsel'].includes(process.arch)) return
    expect(
      execFileSync(process.execPath, [...baselineFlags, bound, '-e', program], { encoding: 'utf8' }),
    ).toBe('full\n')
  })
})
