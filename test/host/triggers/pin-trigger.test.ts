import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pin, PinEdge } from '../../../host/devices/index.ts'
import { freshDebounce, seeLevel, settle, settlesAt } from '../../../host/triggers/pin/debounce.ts'
import { runTrigger } from './context.ts'

function button() {
  const listeners = new Set<(edge: PinEdge) => void>()
  const pin: Pin = {
    name: 'door',
    driver: 'fake',
    direction: 'in',
    read: async () => false,
    write: async () => {},
    edges: () => [],
    watch: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: async () => {},
  }
  const move = (level: boolean, timeMs = 0): void => {
    for (const listener of listeners) listener({ level, timeMs })
  }
  return { pins: new Map([['door', pin]]), move, listeners }
}

const run = (spec: Record<string, string | number>, pins: ReadonlyMap<string, Pin>) =>
  runTrigger({ kind: 'pin', pin: 'door', ...spec }, ['pin:door'], { pins })
const levels = ({ events }: ReturnType<typeof run>): unknown[] =>
  events.map(({ payload }) => (payload as { level: boolean }).level)

describe('the pin trigger', () => {
  it('makes an event of each edge at once, for the pin handler', () => {
    const { pins, move } = button()
    const trigger = run({}, pins)
    move(true, 11.5)
    move(false, 12)
    expect(levels(trigger)).toEqual([true, false])
    expect(trigger.planned.target).toBe('selvedge:edge/pin-handler@0.1.0#handle')
    expect(trigger.args(4)).toEqual([{ id: 4n, attempt: 1, pin: 'door', level: false, timeMs: 12n }])
  })

  it.each([
    ['rising', [true, true]],
    ['falling', [false]],
  ])('takes only %s edges where it says so', (edge, expected) => {
    const { pins, move } = button()
    const trigger = run({ edge }, pins)
    for (const level of [true, false, true]) move(level)
    expect(levels(trigger)).toEqual(expected)
  })

  it('believes a level when it has lasted, with the time of the edge that made it', async () => {
    const { pins, move } = button()
    const trigger = run({ debounceMs: 20 }, pins)
    move(true, 100)
    await trigger.clock.advance(5)
    move(false, 105)
    move(true, 106)
    await trigger.clock.advance(19)
    expect(levels(trigger)).toEqual([])
    await trigger.clock.advance(2)
    expect(trigger.events.map(({ payload }) => payload)).toEqual([{ pin: 'door', level: true, timeMs: 106 }])
  })

  it('makes nothing of a spike', async () => {
    const { pins, move } = button()
    const trigger = run({ debounceMs: 20 }, pins)
    move(true)
    await trigger.clock.advance(3)
    move(false)
    await trigger.clock.advance(100)
    expect(levels(trigger)).toEqual([])
  })

  it('listens no longer when it is stopped, and has no timer left', async () => {
    const { pins, move, listeners } = button()
    const trigger = run({ debounceMs: 20 }, pins)
    move(true)
    trigger.stop()
    expect([listeners.size, trigger.clock.pendingTimers]).toEqual([0, 0])
  })

  it('says so where there is no such pin', () => {
    expect(run({}, new Map()).problems).toMatchObject([{ code: 'ERR_TRIGGER_SOURCE' }])
  })
})

describe('debounce', () => {
  it('tells levels in turns, and at the end the one that lasted', () => {
    const edges = fc.array(fc.record({ level: fc.boolean(), afterMs: fc.nat(60) }), {
      minLength: 1,
      maxLength: 40,
    })
    fc.assert(
      fc.property(edges, fc.integer({ min: 1, max: 30 }), (list, quietMs) => {
        let state = freshDebounce
        let nowMs = 0
        const told: boolean[] = []
        const take = ({ state: next, changed }: ReturnType<typeof settle>): void => {
          state = next
          if (changed !== null) told.push(changed.level)
        }
        for (const { level, afterMs } of list) {
          nowMs += afterMs
          take(seeLevel(state, { level, timeMs: nowMs }, nowMs, quietMs))
        }
        take(settle(state, nowMs + quietMs, quietMs))
        expect(settlesAt(state, quietMs)).toBeNull()
        for (const [index, level] of told.entries()) if (index > 0) expect(level).not.toBe(told[index - 1])
        if (told.length > 0) expect(told.at(-1)).toBe(list.at(-1)?.level)
      }),
    )
  })
})
