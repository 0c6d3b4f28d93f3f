/** A sensor that speaks on a topic, whatever convention says how. */
import type { DriverContext, Range, Reading, Sensor } from '../contract.ts'
import { numberOf, type Pick } from './payload.ts'
import { SpokenValue, type SpokenSource } from './spoken-value.ts'

export interface SpokenSensorOptions extends Omit<SpokenSource<number>, 'read'> {
  readonly driver: string
  readonly pick: Pick
  readonly unit: string
  readonly range: Range | null
  /** null where its silence says nothing. */
  readonly staleAfterMs: number | null
  readonly onGone?: NonNullable<Sensor['onGone']>
  /** Beside its topics. */
  close?(): void
}

/** @throws ERR_TOPIC_INVALID, ERR_BROKER_FILTERS */
export function spokenSensor(name: string, options: SpokenSensorOptions, context: DriverContext): Sensor {
  const { driver, pick, unit, range, staleAfterMs, onGone } = options
  const read = (payload: Uint8Array): number => numberOf(pick(payload))
  const spoken = new SpokenValue(name, { ...options, read }, context.clock)
  return {
    name,
    driver,
    unit,
    range,
    resolution: null,
    staleAfterMs,
    async read(signal): Promise<Reading> {
      const { value, timeMs } = await spoken.last(staleAfterMs, signal)
      return { value, unit, timeMs }
    },
    watch: (listener) => spoken.onWord(({ value, timeMs }) => listener({ value, unit, timeMs })),
    ...(onGone !== undefined && { onGone }),
    async close() {
      spoken.close()
      options.close?.()
    },
  }
}
