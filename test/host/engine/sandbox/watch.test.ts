import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../../core/index.ts'
import type { Incident } from '../../../../host/engine/contract.ts'
import { CallQueue } from '../../../../host/engine/sandbox/call-queue.ts'
import type { PendingCall } from '../../../../host/engine/sandbox/pending-call.ts'
import { Watch } from '../../../../host/engine/sandbox/watch.ts'

const deadlineMs = 1_000
const call = { call: 1, what: 'handle', argsBytes: 10 } as PendingCall

/** Time that passes while nothing runs, and the one timer that is due then. */
function watched() {
  let nowMs = 0
  let due: { atMs: number; run: () => void } | null = null
  const clock: Clock = {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    after(ms, run) {
      const mine = { atMs: nowMs + ms, run }
      due = mine
      return () => {
        if (due === mine) due = null
      }
    },
  }
  const ended: Incident[] = []
  const calls = new CallQueue(1)
  const link = { begun: () => 1, isHeldUp: () => false }
  const watch = new Watch({
    clock,
    calls,
    deadlineMs,
    link: () => link,
    end: (incident) => ended.push(incident),
  })
  return {
    watch,
    ended,
    begin(): void {
      calls.add(call)
      calls.next()
      watch.newHead()
    },
    /** @param lateMs how long the timer stands unheard after it was due */
    ring(lateMs: number): void {
      if (due === null) throw new Error('no timer is set')
      const { atMs, run } = due
      due = null
      nowMs = atMs + lateMs
      run()
    },
  }
}

describe('a call', () => {
  test('ends at its deadline', () => {
    const { begin, ring, ended } = watched()
    begin()
    ring(20)
    expect(ended).toMatchObject([{ reason: 'deadline' }])
  })

  test('gets its time again where the timer was late, and ends then', () => {
    const { begin, ring, ended } = watched()
    begin()
    ring(3_000)
    expect(ended).toEqual([])
    ring(0)
    expect(ended).toMatchObject([{ reason: 'deadline' }])
  })

  test('gets it once, however late the next one is', () => {
    const { begin, ring, ended } = watched()
    begin()
    ring(3_000)
    ring(3_000)
    expect(ended).toHaveLength(1)
  })

  test('gets it however late the one before was', () => {
    const { begin, ring, ended } = watched()
    begin()
    ring(3_000)
    begin()
    ring(3_000)
    expect(ended).toEqual([])
  })
})

test('a step of the start gets its time again once, too', () => {
  const { watch, ring, ended } = watched()
  watch.step(5_000, 'it was not loaded')
  ring(6_000)
  expect(ended).toEqual([])
  ring(6_000)
  expect(ended).toEqual([{ reason: 'deadline', message: 'it was not loaded within 5000 ms' }])
})
