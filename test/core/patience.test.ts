import { describe, expect, it } from 'vitest'
import { Patience } from '../../core/index.ts'

/** A clock that each look at it moves on by a hundredth of a millisecond. */
function lookedAt(): { monotonicMs(): number } {
  let nowMs = 0
  return { monotonicMs: () => (nowMs += 0.01) }
}

const never = (): boolean => false

/** @returns how often it looks before it gives up */
function looksOf(patience: Patience): number {
  let looks = 0
  patience.look(() => {
    looks += 1
    return false
  })
  return looks
}

describe('patience', () => {
  it('sees what comes while it looks', () => {
    const patience = new Patience(lookedAt(), 2)
    let looks = 0
    expect(patience.look(() => (looks += 1) > 100)).toBe(true)
  })

  it('ends soon where nothing comes', () => {
    expect(new Patience(lookedAt(), 2).look(never)).toBe(false)
    expect(looksOf(new Patience(lookedAt(), 2))).toBeLessThan(1_000)
  })

  it('looks only once where it was in vain before, and now and then for longer', () => {
    const patience = new Patience(lookedAt(), 2)
    const looks = Array.from({ length: 100 }, () => looksOf(patience))
    const long = looks.filter((count) => count > 1).length
    expect(long).toBeGreaterThan(8)
    expect(long).toBeLessThan(24)
  })

  it('is patient again as soon as it was not in vain', () => {
    const patience = new Patience(lookedAt(), 2)
    for (let times = 0; times < 10; times += 1) patience.look(never)
    let looks = 0
    // In vain until it comes.
    for (let times = 0; times < 40; times += 1) patience.look(() => (looks += 1) > 200)
    expect(looksOf(patience)).toBeGreaterThan(1)
  })

  it('looks once where there is one core: who is waited for needs it', () => {
    const patience = new Patience(lookedAt(), 1)
    expect(looksOf(patience)).toBe(1)
    expect(patience.look(() => true)).toBe(true)
  })
})
