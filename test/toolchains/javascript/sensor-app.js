/** What the tests ask of a sensor app: see ../sensor-app.test.ts. Runs in QuickJS and in StarlingMonkey. */
import { write } from 'selvedge:device/pins@0.1.0'
import { read } from 'selvedge:device/sensor@0.1.0'
import { get } from 'wasi:config/store@0.2.0-rc.1'
import { log } from 'wasi:logging/logging@0.1.0-draft'

export const sensorHandler = {
  handle({ id, sensor }) {
    const threshold = get('threshold') ?? null
    if (threshold === null) throw refusal('no threshold is set')
    const { value, unit } = readingOf(sensor)
    write('led', value < Number(threshold))
    log('info', 'javascript', `event ${id}: ${value} ${unit}`)
  },
}

function readingOf(sensor) {
  try {
    return read(sensor)
  } catch {
    throw refusal(`${sensor} gave no reading`)
  }
}

/** The payload is what WIT declares as the error. */
function refusal(payload) {
  return Object.assign(new Error(payload), { payload })
}
