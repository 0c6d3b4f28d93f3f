/** Core modules and components by their first eight bytes (Component Model, Binary.md, "preamble"). */
const componentPreamble = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00]

/** True for what begins like a component; whether it is a valid one, the engine says. */
export function isComponent(bytes: Uint8Array): boolean {
  return componentPreamble.every((byte, index) => bytes[index] === byte)
}
