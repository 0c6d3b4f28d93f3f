/** Strings across the border: UTF-16 inside (AssemblyScript), UTF-8 outside (how the component is embedded). */

/** Text in the arena, as the ABI passes it: where it starts and how many bytes it has. */
export class Utf8 {
  readonly at: usize
  readonly length: i32

  constructor(text: string) {
    const bytes = String.UTF8.encode(text)
    this.at = changetype<usize>(bytes)
    this.length = bytes.byteLength
  }
}

/** @returns the text of `length` bytes of UTF-8 at `at`; the host guarantees that they are valid */
export function readText(at: usize, length: usize): string {
  return String.UTF8.decodeUnsafe(at, length)
}

/** @returns the string that a WIT record, list or variant holds at `at`: a pointer and a length, 4 bytes each */
export function loadText(at: usize): string {
  return readText(load<u32>(at), load<u32>(at, 4))
}
