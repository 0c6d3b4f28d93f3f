import { describe, expect, it } from 'vitest'
import { parseCpuTimes } from '../../../host/devices/sensors/cpu-times.ts'
import { IdleWindow } from '../../../host/devices/sensors/idle-window.ts'

describe('the idle share', () => {
  it('comes from the first line of /proc/stat, without counting guest time twice', () => {
    const text = 'cpu  100 5 50 800 40 1 4 0 30 2\ncpu0 1 2 3 4\nintr 5\n'
    expect(parseCpuTimes(text)).toEqual({ idle: 840, total: 1_000 })
    expect(parseCpuTimes('something else')).toBeNull()
  })

  it('is of the time since the sample before', () => {
    const window = new IdleWindow({ atMs: 0, idle: 0, total: 0 })
    expect(window.add({ atMs: 200, idle: 40, total: 40 })).toBe(100)
    expect(window.add({ atMs: 400, idle: 50, total: 80 })).toBe(25)
    expect(window.add({ atMs: 600, idle: 50, total: 120 })).toBe(0)
  })

  it('looks further back for a read right after another, without moving on', () => {
    const window = new IdleWindow({ atMs: 0, idle: 0, total: 0 })
    window.add({ atMs: 200, idle: 40, total: 40 })
    // 10 ms later one tick of work was counted: judged since time 0, not as "0 % idle".
    expect(window.add({ atMs: 210, idle: 40, total: 42 })).toBeCloseTo((100 * 40) / 42)
    expect(window.add({ atMs: 400, idle: 60, total: 80 })).toBe(50)
  })

  it('asks the very first reader to wait for a full window', () => {
    const window = new IdleWindow({ atMs: 1_000, idle: 0, total: 0 })
    expect(window.waitMs(1_030)).toBe(70)
    expect(window.waitMs(1_200)).toBe(0)
  })

  it('keeps the last value where the kernel counted nothing, and stays within 0 to 100', () => {
    const window = new IdleWindow({ atMs: 0, idle: 100, total: 200 })
    expect(window.add({ atMs: 200, idle: 110, total: 240 })).toBe(25)
    expect(window.add({ atMs: 400, idle: 110, total: 240 })).toBe(25)
    expect(window.add({ atMs: 600, idle: 105, total: 250 })).toBe(0)
  })
})
