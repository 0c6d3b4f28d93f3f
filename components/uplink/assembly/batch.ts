/** A batch of readings as JSON, which most of what listens at a broker understands. */
import { SensorEvent } from './bindings/selvedge-edge-sensor-batch-handler'

/** `{"readings":[{"id":7,"sensor":"light","value":312.5,"unit":"lx","timeMs":1700000000000}]}` */
export function batchJson(events: Array<SensorEvent>): string {
  const readings = new Array<string>()
  for (let index = 0; index < events.length; index++) {
    const event = events[index]
    const reading = event.reading
    readings.push(
      '{"id":' + event.id.toString() +
      ',"sensor":' + quoted(event.sensor) +
      ',"value":' + decimal(reading.value) +
      ',"unit":' + quoted(reading.unit) +
      ',"timeMs":' + reading.timeMs.toString() + '}',
    )
  }
  return '{"readings":[' + readings.join(',') + ']}'
}

/** Whole numbers without a point: `312`. */
function decimal(value: f64): string {
  const whole = i64(value)
  return f64(whole) === value && Math.abs(value) < 1e15 ? whole.toString() : value.toString()
}

function quoted(text: string): string {
  let result = '"'
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 0x22 || code === 0x5c) result += '\\' + text.charAt(index)
    else if (code >= 0x20) result += text.charAt(index)
  }
  return result + '"'
}
