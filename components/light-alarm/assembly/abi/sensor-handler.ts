/**
 * `selvedge:edge/sensor-handler`: the one function the node calls, and the one it calls when it has read the answer.
 *
 * AssemblyScript cannot spell `selvedge:edge/sensor-handler@0.1.0#handle`; `selvedge build` gives the functions
 * these names, from the world: interface and function in camel case, `_post` for the ABI's post-return.
 */
import { handleEvent } from '../handler'
import { emptyArena } from './arena'
import { readText, Utf8 } from './text'

// handle: func(event: sensor-event) -> result<_, string>, the event's fields flattened in their order.
export function sensorHandler_handle(
  id: u64,
  sensor: usize,
  sensorLength: usize,
  value: f64,
  unit: usize,
  unitLength: usize,
  timeMs: u64,
): usize {
  const failure = handleEvent(id, value, readText(unit, unitLength))
  // result: tag at 0; error: string at 4 and 8.
  const area = __alloc(12)
  store<u8>(area, failure === null ? 0 : 1)
  if (failure !== null) {
    const text = new Utf8(failure)
    store<u32>(area, <u32>text.at, 4)
    store<u32>(area, text.length, 8)
  }
  return area
}

/** The answer is read: nothing of this event is needed any more. */
export function sensorHandler_handle_post(area: usize): void {
  emptyArena()
}
