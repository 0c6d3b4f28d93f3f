import { describe, expect, it } from 'vitest'
import { silentLog, systemRandom } from '../../../core/index.ts'
import { Standby } from '../../../host/node/standby.ts'
import type { ObtainCall, ReleaseRecord } from '../../../mesh/index.ts'
import { FakeClock } from '../fake-clock.ts'

interface Asked {
  readonly app: string
  readonly signal: AbortSignal
  came(): void
  failed(): void
}

function setUp(): { standby: Standby; clock: FakeClock; asked: Asked[] } {
  const asked: Asked[] = []
  const clock = new FakeClock()
  const obtain = ({ app }: ReleaseRecord, { signal }: ObtainCall): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      asked.push({
        app,
        signal,
        came: () => resolve(new Uint8Array()),
        failed: () => reject(new Error('nobody')),
      })
      signal.addEventListener('abort', () => reject(new Error('aborted')))
    })
  return {
    standby: new Standby({ source: { obtain } as never, clock, random: systemRandom, log: silentLog }),
    clock,
    asked,
  }
}

const record = (app: string): ReleaseRecord => ({ app, component: { digest: `of-${app}` } }) as ReleaseRecord
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('a node that stands by', () => {
  it('fetches one component after the other, each once', async () => {
    const { standby, asked } = setUp()
    standby.want([record('a'), record('b')])
    standby.want([record('a'), record('b')])
    expect(asked.map(({ app }) => app)).toEqual(['a'])
    asked[0]?.came()
    await settled()
    expect(asked.map(({ app }) => app)).toEqual(['a', 'b'])
    asked[1]?.came()
    await settled()
    standby.want([record('a'), record('b')])
    expect(asked).toHaveLength(2)
  })

  it('asks again, later, where nobody has it', async () => {
    const { standby, asked, clock } = setUp()
    standby.want([record('a')])
    asked[0]?.failed()
    await settled()
    standby.want([record('a')])
    expect(asked).toHaveLength(1)
    await clock.advance(60_000)
    expect(asked).toHaveLength(2)
  })

  it('does not wait for one that nobody has before it asks for the others', async () => {
    const { standby, asked, clock } = setUp()
    standby.want([record('a'), record('b')])
    await clock.advance(29_000)
    expect(asked.map(({ app }) => app)).toEqual(['a'])
    await clock.advance(3_000)
    expect(asked[0]?.signal.aborted).toBe(true)
    expect(asked.map(({ app }) => app)).toEqual(['a', 'b'])
    asked[1]?.came()
    await clock.advance(1)
    expect(asked.map(({ app }) => app)).toEqual(['a', 'b', 'a'])
    standby.stop()
    await settled()
    expect(clock.pendingTimers).toBe(0)
  })

  it('stops fetching what it need not have any more', async () => {
    const { standby, asked, clock } = setUp()
    standby.want([record('a')])
    standby.want([record('b')])
    expect(asked[0]?.signal.aborted).toBe(true)
    await settled()
    expect(asked.map(({ app }) => app)).toEqual(['a', 'b'])
    standby.stop()
    await settled()
    expect([asked[1]?.signal.aborted, clock.pendingTimers]).toEqual([true, 0])
  })
})
