/**
 * A sensor made of arithmetic: its value follows from the wall clock, its options and (with `noise`) chance.
 *
 * Two nodes with the same options and the same time see the same curve; `phase` shifts one against the other.
 * For learning, demonstrations and tests; it measures nothing.
 */
import * as v from 'valibot'
import { durationField } from '../../toml/index.ts'
import type { DriverContext, Range, Sensor, SensorDriver } from '../contract.ts'

const number = (fallback: number) => v.optional(v.pipe(v.number(), v.finite()), fallback)

const options = v.strictObject({
  /** daylight: half the period night at `min`, half a sine arch up to `max`. sine: between both. steps: `values` in turn. constant: `value`. */
  shape: v.optional(v.picklist(['daylight', 'sine', 'steps', 'constant']), 'daylight'),
  unit: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(16)), '1'),
  min: number(0),
  max: number(100),
  /** How long the curve takes to come round. */
  period: v.optional(durationField('10ms', '31d'), '24h'),
  /** Where in the curve it stands at the epoch, as a share of the period: 0.25 is noon of `daylight`. */
  phase: number(0),
  /** Highest deviation, either way, in `unit`; the result of a curve stays between `min` and `max`. */
  noise: v.optional(v.pipe(v.number(), v.finite(), v.minValue(0)), 0),
  /** For `constant`; `max` where it is left out. */
  value: v.optional(v.pipe(v.number(), v.finite())),
  /** Readings are whole multiples of it; as fine as numbers are where it is left out. */
  resolution: v.optional(v.pipe(v.number(), v.finite(), v.minValue(1e-9))),
  /** For `steps`; `min` and `max` where it is left out. */
  values: v.optional(v.pipe(v.array(v.pipe(v.number(), v.finite())), v.minLength(1), v.maxLength(1_024))),
})

type SimulatedOptions = v.InferOutput<typeof options>

/** The curve without noise at the wall-clock time `nowMs`. */
export function simulatedValue(curve: SimulatedOptions, nowMs: number): number {
  const turns = nowMs / curve.period + curve.phase
  const position = turns - Math.floor(turns)
  const span = curve.max - curve.min
  switch (curve.shape) {
    case 'daylight':
      return curve.min + span * Math.max(0, Math.sin(2 * Math.PI * position))
    case 'sine':
      return curve.min + (span * (1 + Math.sin(2 * Math.PI * position))) / 2
    case 'steps': {
      const values = curve.values ?? [curve.min, curve.max]
      return values[Math.min(values.length - 1, Math.floor(position * values.length))] ?? curve.min
    }
    case 'constant':
      return curve.value ?? curve.max
  }
}

/** Lowest and highest value that the curve can have. */
function rangeOf(curve: SimulatedOptions): Range {
  const { min, max, values = [min, max], value = max } = curve
  if (curve.shape === 'constant') return around(value, curve.noise)
  const ends = curve.shape === 'steps' ? [...values, min, max] : [min, max]
  return { min: Math.min(...ends), max: Math.max(...ends) }
}

function around(value: number, noise: number): Range {
  return { min: value - noise, max: value + noise }
}

/** Adds chance without leaving the range, and rounds to the resolution. */
function measured(value: number, curve: SimulatedOptions, context: DriverContext): number {
  const { min, max } = rangeOf(curve)
  const shifted = curve.noise === 0 ? value : value + (context.random.fraction() * 2 - 1) * curve.noise
  const { resolution } = curve
  const rounded = resolution === undefined ? shifted : Math.round(shifted / resolution) * resolution
  return Math.min(max, Math.max(min, rounded))
}

export const simulatedSensor: SensorDriver<SimulatedOptions> = {
  kind: 'simulated',
  summary: 'a curve computed from the clock: daylight, sine, steps or constant',
  options,
  async open(name, curve, context): Promise<Sensor> {
    return {
      name,
      driver: 'simulated',
      unit: curve.unit,
      range: rangeOf(curve),
      resolution: curve.resolution ?? null,
      async read(signal) {
        signal?.throwIfAborted()
        const timeMs = context.clock.now()
        return { value: measured(simulatedValue(curve, timeMs), curve, context), unit: curve.unit, timeMs }
      },
      async close() {},
    }
  },
}
