import { expect, test } from 'vitest'
import type { LinkFactory, LinkOptions, SandboxLink } from '../../../../host/engine/sandbox/link.ts'
import { Spares } from '../../../../host/engine/sandbox/spares.ts'
import { VirtualClock } from '../../../sim/virtual-clock.ts'

const limits = {} as LinkOptions['limits']
const program = {} as LinkOptions['program']
const forAnApp: LinkOptions = {
  program,
  limits,
  preopens: [],
  events: { batch: () => {}, ended: () => {}, printed: () => {} },
}

function spares(wanted: number): { spares: Spares; clock: VirtualClock; running: Set<SandboxLink> } {
  const clock = new VirtualClock()
  const running = new Set<SandboxLink>()
  const spawn: LinkFactory = () => {
    const link: SandboxLink = {
      pid: null,
      sharesMemory: true,
      send: () => {},
      modulesOf: () => Promise.resolve([]),
      begun: () => null,
      isHeldUp: () => false,
      terminate: async () => void running.delete(link),
    }
    running.add(link)
    return link
  }
  const counts = { cold: 0, template: 0, shared: 0 }
  return { spares: new Spares({ clock, spawn, counts, wanted: () => wanted }), clock, running }
}

test('a spare that was made for an app that never came is given back', () => {
  const { spares: kept, clock, running } = spares(0)
  kept.add({ program, limits })
  clock.advance(60_000)
  expect(running.size).toBe(1)
  clock.advance(120_000)
  expect(running.size).toBe(0)
  expect(kept.count).toBe(0)
})

test('the app that a spare was made for keeps it', () => {
  const { spares: kept, clock, running } = spares(0)
  kept.add({ program, limits })
  const link = kept.take(forAnApp)
  clock.advance(600_000)
  expect([...running]).toEqual([link])
})

test('what is kept for the next start is given back where none comes', () => {
  const { spares: kept, clock, running } = spares(1)
  kept.keep({ program, limits })
  clock.advance(1_000)
  expect(running.size).toBe(1)
  kept.take(forAnApp)
  clock.advance(1_000)
  expect(running.size).toBe(2)
  clock.advance(60_000)
  expect(running.size).toBe(1)
})
