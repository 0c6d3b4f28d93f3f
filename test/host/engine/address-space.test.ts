import { describe, expect, it } from 'vitest'
import { addressBytes, memoryCapBytes } from '../../../core/index.ts'
import { addressFlags, memoriesThatFit, type ProcessText } from '../../../host/engine/address-space.ts'

const gib = 2 ** 30
const flag = '--disable-wasm-trap-handler'

function text(changes: { limit?: string; top?: string; usedKb?: number } = {}): ProcessText {
  const { limit = 'unlimited', top = '7ffd1c9f2000', usedKb = 1_000_000 } = changes
  return {
    limits: `Limit  Soft Limit  Hard Limit  Units\nMax address space         ${limit}            unlimited            bytes     \n`,
    maps: `55d0-55d1 r-xp 0 00:00 1 /usr/bin/node\n7ffd1c9d1000-${top} rw-p 0 00:00 0      [stack]\n`,
    status: `Name:\tnode\nVmPeak:\t 9 kB\nVmSize:\t ${usedKb} kB\n`,
  }
}

describe('the addresses of a process', () => {
  it('are as wide as its stack lies high, or what it is limited to', () => {
    expect(addressBytes(text())).toBe(2 ** 47)
    expect(addressBytes(text({ top: '7ff1c9f000' }))).toBe(2 ** 39)
    expect(addressBytes(text({ limit: '8589934592' }))).toBe(8 * gib)
    expect(addressBytes({ limits: null, maps: null })).toBe(Infinity)
  })

  it('hold thousands of memories, some dozens, or none', () => {
    const fit = (of: ProcessText, cost = 10 * gib): number => memoriesThatFit(() => of, cost)
    expect(fit(text())).toBeGreaterThan(13_000)
    expect(fit(text({ top: '7ff1c9f000' }))).toBe(50)
    expect(fit(text({ limit: '8589934592' }))).toBe(0)
    expect(fit(text({ limit: '8589934592' }), Infinity)).toBe(0)
    // Without guard regions a memory takes what it is large.
    expect(fit(text({ limit: '8589934592' }), 131_072)).toBe(Infinity)
  })

  it('are measured here by a memory that is made', () => {
    expect(memoriesThatFit()).toBeGreaterThan(0)
  })

  it('are shared out among memories only where they are scarce', () => {
    expect(memoryCapBytes(text())).toBe(Infinity)
    expect(memoryCapBytes(text({ top: '7ff1c9f000' }))).toBe(Infinity)
    expect(memoryCapBytes(text({ limit: '8589934592' }))).toBe(256 * 1024 ** 2)
    expect(memoryCapBytes(text({ limit: '8000000000' })) % 65_536).toBe(0)
  })

  it('of 32 bits are shared out only where a process may not have all of them: V8 has a bound of its own there', () => {
    expect(memoryCapBytes({ limits: null, maps: null }, 'arm')).toBe(Infinity)
    expect(memoryCapBytes(text({ limit: '8589934592' }), 'arm')).toBe(Infinity)
    expect(memoryCapBytes(text({ limit: '1073741824' }), 'mipsel')).toBe(32 * 1024 ** 2)
  })

  it('are spared by a flag where they are short and the flag is known', () => {
    const known = new Set([flag])
    expect(addressFlags(text(), known)).toEqual([])
    expect(addressFlags(text({ top: '7ff1c9f000' }), known)).toEqual([flag])
    expect(addressFlags(text({ limit: '8589934592' }), known)).toEqual([flag])
    expect(addressFlags(text({ limit: '8589934592' }), new Set())).toEqual([])
  })
})
