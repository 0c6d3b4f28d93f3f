/** Components that nobody has seen before: with bytes of their own, which nothing can make smaller. */
import { randomBytes } from 'node:crypto'

/** @returns the component with as many random bytes, in a custom section behind the rest */
export function withBallast(component: Uint8Array, bytes: number): Buffer {
  const name = Buffer.from('ballast')
  const body = Buffer.concat([leb128(name.length), name, randomBytes(bytes)])
  return Buffer.concat([component, Buffer.from([0]), leb128(body.length), body])
}

function leb128(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest])
    bytes.push((rest & 127) | 128)
  }
}
