/** A guest that floods its log: how much of it crosses to the node, whoever it is and however the node keeps up. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GuestLine } from '../../../host/guest/guest-line.ts'
import { PostBudget } from '../../../host/guest/post-budget.ts'
import type { SandboxLimits, ToGuest, ToHost } from '../../../host/guest/index.ts'

const limits = { postsInFlight: 64, postsPerSecond: 100 }

describe('the budget of posts', () => {
  it('lets a second’s worth through at once, and then its rate, whatever comes', () => {
    let nowMs = 0
    const budget = new PostBudget({ ...limits, postsInFlight: 1e9 }, () => nowMs)
    let crossed = 0
    for (; nowMs < 10_000; nowMs += 1) {
      for (let line = 0; line < 100; line += 1) if (budget.take()) crossed += 1
    }
    expect(crossed).toBeLessThanOrEqual(100 + 10 * 100)
    expect(crossed).toBeGreaterThanOrEqual(10 * 100)
    expect(budget.takeDropped()).toBe(10_000 * 100 - crossed)
    expect(budget.takeDropped()).toBe(0)
  })

  it('in no stretch of time lets more through than a second’s worth beyond its rate', () => {
    const step = fc.record({
      waitMs: fc.integer({ min: 0, max: 3_000 }),
      posts: fc.integer({ min: 0, max: 400 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let nowMs = 0
        const budget = new PostBudget({ ...limits, postsInFlight: 1e9 }, () => nowMs)
        const times: number[] = []
        for (const { waitMs, posts } of steps) {
          nowMs += waitMs
          for (let post = 0; post < posts; post += 1) if (budget.take()) times.push(nowMs)
        }
        for (let from = 0; from < times.length; from += 25) {
          for (let to = from; to < times.length; to += 25) {
            const allowed = 100 + ((times[to]! - times[from]!) / 1_000) * 100
            expect(to - from + 1).toBeLessThanOrEqual(Math.ceil(allowed) + 1)
          }
        }
      }),
    )
  })

  it('keeps back what a node that does not keep up has not dealt with, and looks for that at times only', () => {
    let nowMs = 0
    const budget = new PostBudget(limits, () => nowMs)
    let [crossed, looks] = [0, 0]
    for (let line = 0; line < 10_000; line += 1) {
      if (line % 1_000 === 0) nowMs += 1
      if (budget.mayLook) looks += 1
      if (budget.take()) crossed += 1
    }
    expect(crossed).toBe(64)
    expect(looks).toBe(10)
    budget.done(60)
    nowMs += 1_000
    for (let line = 0; line < 100; line += 1) if (budget.take()) crossed += 1
    expect(crossed).toBe(64 + 60)
  })
})

it('of a hundred thousand lines in one call, no more than the limit leave the sandbox', () => {
  const crossed: ToHost[] = []
  let lookups = 0
  const transport = {
    send: (batch: readonly ToHost[]) => void crossed.push(...batch),
    receive: (): readonly ToGuest[] | null => {
      lookups += 1
      return null
    },
  }
  const line = new GuestLine(transport, {
    ...limits,
    postsInFlight: 1_024,
    postsPerSecond: 1_000,
    valueBytes: 1_000,
  } as SandboxLimits)
  const startedAt = performance.now()
  for (let n = 0; n < 100_000; n += 1) line.post('wasi:logging/logging', 'log', ['info', 'flood', 'a line'])
  line.flush()
  const tookMs = performance.now() - startedAt
  expect(crossed.length).toBeLessThanOrEqual(1_000 + tookMs + 1)
  expect(crossed.length).toBeLessThanOrEqual(1_024)
  expect(line.takeDropped()).toBe(100_000 - crossed.length)
  expect(lookups).toBeLessThanOrEqual(tookMs + 1)
})
