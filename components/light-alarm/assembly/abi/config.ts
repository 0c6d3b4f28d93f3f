/** `wasi:config/store`: the settings of the release, overlaid by the node owner's. */
import { loadText, Utf8 } from './text'

// get: func(key: string) -> result<option<string>, error>
@external("cm32p2|wasi:config/store@0.2.0-rc.1", "get")
declare function hostGet(key: usize, keyLength: i32, result: usize): void

export class SettingResult {
  /** null where it is not set. */
  value: string | null = null
  /** Why it could not be read, or null. */
  problem: string | null = null
}

/** Reads one setting. */
export function getSetting(key: string): SettingResult {
  const name = new Utf8(key)
  // result: tag 0 at 0; then option: tag at 4, string at 8; or error: case at 4, string at 8.
  const area = __alloc(16)
  hostGet(name.at, name.length, area)
  const result = new SettingResult()
  if (load<u8>(area) !== 0) result.problem = loadText(area + 8)
  else if (load<u8>(area, 4) === 1) result.value = loadText(area + 8)
  return result
}
