/** `selvedge:device/pins`: outputs by logical name. */
import { loadText, Utf8 } from './text'

// write: func(name: string, level: bool) -> result<_, error>
@external("cm32p2|selvedge:device/pins@0.1", "write")
declare function hostWrite(name: usize, nameLength: i32, level: i32, result: usize): void

/** Sets a pin. @returns null when the driver has taken the level, or why not */
export function writePin(name: string, level: bool): string | null {
  const text = new Utf8(name)
  // result: tag at 0; error: case at 4 (0 not-granted, 1 unavailable), string at 8.
  const area = __alloc(16)
  hostWrite(text.at, text.length, i32(level), area)
  if (load<u8>(area) === 0) return null
  return load<u8>(area, 4) === 0 ? 'it is not granted to this app' : loadText(area + 8)
}
