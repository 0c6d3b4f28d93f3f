import { describe, expect, it } from 'vitest'
import type { Sensor } from '../../../host/devices/index.ts'
import type { FakeClock } from '../fake-clock.ts'
import { runTrigger } from './context.ts'

function sensorThat(read: Sensor['read']): Sensor {
  const facts = { name: 'light', driver: 'fake', unit: 'lx', range: null, resolution: null }
  return { ...facts, read, close: async () => {} }
}

function run(sensor: Sensor, everyMs = 200) {
  const sensors = new Map([['light', sensor]])
  const running = runTrigger({ kind: 'sensor', sensor: 'light', everyMs }, ['sensor:light'], { sensors })
  return { ...running, trigger: running }
}

describe('the sensor trigger', () => {
  it('makes an event of each reading, for the sensor handler', async () => {
    const { clock, events, planned, args } = run(
      sensorThat(async () => ({ value: 42, unit: 'lx', timeMs: 1_234.5 })),
    )
    await clock.advance(1_000)
    expect(events).toHaveLength(5)
    expect(planned.target).toBe('selvedge:edge/sensor-handler@0.1.0#handle')
    expect(args(7)).toEqual([{ id: 7n, sensor: 'light', reading: { value: 42, unit: 'lx', timeMs: 1_234n } }])
  })

  it('keeps its rate when one reading is slow, and takes no second one meanwhile', async () => {
    let reads = 0
    const clockBox: { clock?: FakeClock } = {}
    const slow = sensorThat(async () => {
      reads += 1
      if (reads === 2) await new Promise<void>((resolve) => clockBox.clock?.after(500, resolve))
      return { value: reads, unit: 'lx', timeMs: 0 }
    })
    const { clock, events } = run(slow)
    clockBox.clock = clock
    await clock.advance(1_200)
    // Due at 200, 400 (until 900), 600 and 800 left out, 1000, 1200.
    expect(reads).toBe(4)
    expect(events).toHaveLength(4)
  })

  it('tells of a failing sensor once, and again after it had recovered', async () => {
    let works = false
    const { clock, events, problems } = run(
      sensorThat(async () => {
        if (!works) throw new Error('bus is stuck')
        return { value: 1, unit: 'lx', timeMs: 0 }
      }),
    )
    await clock.advance(1_000)
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ['ERR_TRIGGER_READING', 'the sensor "light" gave no reading: bus is stuck'],
    ])
    works = true
    await clock.advance(400)
    expect(events).toHaveLength(2)
    works = false
    await clock.advance(400)
    expect(problems).toHaveLength(2)
  })

  it('gives up on a driver that never answers, even one that ignores the signal', async () => {
    let reads = 0
    const { clock, problems } = run(
      sensorThat(() => {
        reads += 1
        return new Promise(() => {})
      }),
    )
    await clock.advance(5_300)
    expect(problems).toHaveLength(1)
    expect(reads).toBe(2)
  })

  it('makes no event of a reading that is no number', async () => {
    const { clock, events, problems } = run(
      sensorThat(async () => ({ value: Number.NaN, unit: 'lx', timeMs: 0 })),
    )
    await clock.advance(400)
    expect(events).toEqual([])
    expect(problems).toHaveLength(1)
  })

  it('emits nothing after it was stopped, also not what was being read', async () => {
    const answers: (() => void)[] = []
    const { clock, events, problems, trigger } = run(
      sensorThat(
        () => new Promise((resolve) => answers.push(() => resolve({ value: 1, unit: 'lx', timeMs: 0 }))),
      ),
    )
    await clock.advance(200)
    trigger.stop()
    trigger.stop()
    for (const answer of answers) answer()
    await clock.advance(10_000)
    expect(events).toEqual([])
    expect(problems).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })
})
