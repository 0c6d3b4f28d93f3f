/** Components of any size that nothing can compress: a small one that runs, with random bytes in a section of its own. */
import { randomBytes } from 'node:crypto'

/** @returns `component` with a custom section behind it, `sizeBytes` in all; it does the same. */
export function withPadding(component: Uint8Array, sizeBytes: number): Uint8Array {
  const name = Buffer.from('padding')
  for (let lengthBytes = 1; lengthBytes <= 5; lengthBytes += 1) {
    const payloadBytes = sizeBytes - component.length - 1 - lengthBytes
    const length = leb128(payloadBytes)
    if (length.length !== lengthBytes) continue
    const filling = randomBytes(payloadBytes - 1 - name.length)
    return Buffer.concat([component, Buffer.from([0]), length, Buffer.from([name.length]), name, filling])
  }
  throw new Error(`a component of ${component.length} bytes cannot be padded to ${sizeBytes}`)
}

function leb128(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest % 128) | 128)
  }
}
