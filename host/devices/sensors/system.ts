/** What this machine can measure about itself without any hardware: a real sensor on every node. */
import * as v from 'valibot'
import type { Sensor, SensorDriver } from '../contract.ts'
import { measures, type Measure } from './system-measures.ts'

type Metric = keyof typeof measures

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(64))

const options = v.strictObject({
  /**
   * cpu, cpu-idle: busy and idle share of all cores since the last reading, in %. load: the one-minute load average.
   * memory-used, memory-free: bytes; what programs can still have is free. temperature: of the hottest thermal zone, in
   * Cel. received, sent: bytes per second. disk-used, disk-free: bytes.
   */
  metric: v.picklist(Object.keys(measures) as [Metric, ...Metric[]]),
  /** For `received` and `sent`; all but loopback where it is left out. */
  interface: v.optional(v.pipe(name, v.regex(/^[^/\0]+$/, 'is no name of a network interface'))),
  /** For `disk-used` and `disk-free`: of the file system that it lies in; `/` where it is left out. */
  path: v.optional(v.pipe(v.string(), v.startsWith('/', 'is no absolute path'), v.maxLength(4_096))),
  /** For `temperature`: the type of one zone, as /sys/class/thermal/thermal_zone…/type has it. */
  zone: v.optional(name),
})

type SystemOptions = v.InferOutput<typeof options>

export const systemSensor: SensorDriver<SystemOptions> = {
  kind: 'system',
  summary: 'this machine itself: CPU, load, memory, temperature, traffic, disk',
  options,
  async open(sensorName, { metric, ...subject }, context): Promise<Sensor> {
    const { unit, range, resolution, take }: Measure = await measures[metric](subject, context)
    return {
      name: sensorName,
      driver: 'system',
      unit,
      range,
      resolution,
      async read(signal) {
        signal?.throwIfAborted()
        return { value: await take(signal), unit, timeMs: context.clock.now() }
      },
      async close() {},
    }
  },
}
