/** What this machine can measure about itself without any hardware: a real sensor on every node. */
import { readFile } from 'node:fs/promises'
import { freemem, loadavg } from 'node:os'
import * as v from 'valibot'
import { delay } from '../../../core/index.ts'
import type { DriverContext, Sensor, SensorDriver } from '../contract.ts'
import { readCpuTimes } from './cpu-times.ts'
import { IdleWindow, type CpuSample } from './idle-window.ts'

const options = v.strictObject({
  /**
   * cpu-idle: idle share of all cores since the last reading, in %. load: the one-minute load average.
   * memory-free: bytes that programs can still have.
   */
  metric: v.picklist(['cpu-idle', 'load', 'memory-free']),
})

type SystemOptions = v.InferOutput<typeof options>
type Metric = SystemOptions['metric']

/** UCUM: percent, a pure number, bytes. */
const units: Readonly<Record<Metric, string>> = { 'cpu-idle': '%', load: '1', 'memory-free': 'By' }

type Measure = (signal?: AbortSignal) => Promise<number>

async function measureIdle({ clock }: DriverContext): Promise<Measure> {
  const sample = async (): Promise<CpuSample> => ({ ...(await readCpuTimes()), atMs: clock.monotonicMs() })
  const window = new IdleWindow(await sample())
  return async (signal) => {
    const waitMs = window.waitMs(clock.monotonicMs())
    if (waitMs > 0) await delay(clock, waitMs, signal)
    return window.add(await sample())
  }
}

/** Linux counts what it would give back as available; `os.freemem` does so only since Node 18. */
async function freeBytes(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '')
  const match = /^MemAvailable: +(\d+) kB$/m.exec(text)
  return match === null ? freemem() : Number(match[1]) * 1_024
}

async function measureOf(metric: Metric, context: DriverContext): Promise<Measure> {
  switch (metric) {
    case 'cpu-idle':
      return measureIdle(context)
    case 'load':
      return async () => loadavg()[0] ?? 0
    case 'memory-free':
      return freeBytes
  }
}

export const systemSensor: SensorDriver<SystemOptions> = {
  kind: 'system',
  summary: 'this machine itself: idle CPU, load or free memory',
  options,
  async open(name, { metric }, context): Promise<Sensor> {
    const measure = await measureOf(metric, context)
    const unit = units[metric]
    return {
      name,
      driver: 'system',
      unit,
      range: metric === 'cpu-idle' ? { min: 0, max: 100 } : null,
      resolution: null,
      async read(signal) {
        signal?.throwIfAborted()
        return { value: await measure(signal), unit, timeMs: context.clock.now() }
      },
      async close() {},
    }
  },
}
