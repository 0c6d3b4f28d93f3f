/**
 * What V8 must be told before the first WebAssembly module is compiled, by the machine it runs on. Pure; compat.ts tells it.
 */

/**
 * The baseline compiler, and the optimising one only for what the other cannot do. Not `--liftoff-only`, which ends the process
 * there: on ARM without NEON, and on 32-bit MIPS at `i32.extend8_s`.
 */
export const baselineFlags = ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering'] as const

/** What one memory may grow to where addresses have 32 bits, in pages of 64 KiB: 256 MiB. */
export const most32BitPages = 4_096

const is32Bit: ReadonlySet<string> = new Set(['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390'])

/** @param arch as Node.js names it. For nodes that do not say */
export function wordBitsOf(arch: string): 32 | 64 {
  return is32Bit.has(arch) ? 32 : 64
}

/**
 * @param arch as Node.js names it
 * @param major of Node.js
 * @param given flags that its process was started with, which stay as they are
 */
export function engineFlags(arch: string, major: number, given: readonly string[]): readonly string[] {
  const flags: string[] = []
  // Recent toolchains emit extended constant expressions, which V8 before Node 22 knows behind this flag.
  if (major < 22) flags.push('--experimental-wasm-extended-const')
  // The optimising compiler of Node 20 for RISC-V takes values of 32 bits for others, and ends the process where it meets
  // `i64.extend_i32_s` of `i32.wrap_i64` ("unreachable code", VisitWord64And): any app could end the node with it. No later one was tried.
  if (arch === 'riscv64') flags.push(...baselineFlags)
  // V8 takes the addresses of all that a memory may grow to, of a gigabyte at most. On 32-bit MIPS two memories leave
  // 640 MiB of 1,664; with this bound four leave 736.
  const bound = '--wasm-max-mem-pages'
  if (wordBitsOf(arch) === 32 && !given.some((flag) => flag.startsWith(bound)))
    flags.push(`${bound}=${most32BitPages}`)
  return flags
}
