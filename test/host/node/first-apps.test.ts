import { describe, expect, it } from 'vitest'
import type { LocalApp } from '../../../host/api/index.ts'
import { letAppsBegin } from '../../../host/node/first-apps.ts'
import { FakeClock } from '../fake-clock.ts'

/** What the wait looks at, as it is at each moment. */
function apps(
  at: { begunMs: number; handledMs: number },
  clock: FakeClock,
): Parameters<typeof letAppsBegin>[0] {
  return {
    get isBeginning() {
      return clock.monotonicMs() < at.begunMs
    },
    local: () =>
      clock.monotonicMs() < at.begunMs
        ? []
        : [{ state: 'running', events: { handled: clock.monotonicMs() < at.handledMs ? 0 : 1 } } as LocalApp],
  }
}

/** @returns when it was over, ms; null where it was not within a minute */
async function waited(
  at: { begunMs: number; handledMs: number },
  signal?: AbortSignal,
): Promise<number | null> {
  const clock = new FakeClock()
  let overMs: number | null = null
  void letAppsBegin(apps(at, clock), clock, signal).then(() => (overMs = clock.monotonicMs()))
  await clock.advance(60_000)
  return overMs
}

describe('a node that starts', () => {
  it('goes to the network at once where no app is to begin', async () => {
    expect(await waited({ begunMs: 0, handledMs: Infinity })).toBe(0)
  })

  it('lets an app run and handle its first event before', async () => {
    expect(await waited({ begunMs: 200, handledMs: 260 })).toBe(260)
  })

  it('waits for no event half as long as the app took, and two seconds at most', async () => {
    expect(await waited({ begunMs: 200, handledMs: Infinity })).toBe(300)
    expect(await waited({ begunMs: 8_000, handledMs: Infinity })).toBe(10_000)
  })

  it('is not kept from the network by an app that does not come', async () => {
    expect(await waited({ begunMs: Infinity, handledMs: Infinity })).toBeLessThanOrEqual(12_000)
  })

  it('ends its wait when it is told to end', async () => {
    expect(await waited({ begunMs: Infinity, handledMs: Infinity }, AbortSignal.abort())).toBe(0)
  })
})
