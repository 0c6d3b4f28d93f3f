/** What the component exports. The app itself is handler.ts and rule.ts. */
import type * as SensorHandler from 'selvedge:edge/sensor-handler@0.1.0'
import { handleEvent } from './handler.ts'

export const sensorHandler: typeof SensorHandler = {
  handle: ({ id, reading }) => handleEvent(id, reading.value, reading.unit),
}
