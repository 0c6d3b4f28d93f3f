/** Lists of numbers cross as the canonical ABI has them, little-endian, whatever the order of the machine. */
import { beforeAll, describe, expect, test } from 'vitest'
import { generatedOf, load, type GuestCall } from './glue-kit.ts'

type Numbers = Uint16Array | Uint32Array | BigInt64Array | Float64Array

const samples: readonly [type: string, numbers: Numbers][] = [
  ['U16', Uint16Array.of(0x0102, 0xff00, 7)],
  ['U32', Uint32Array.of(0x01020304, 5)],
  ['S64', BigInt64Array.of(-2n, 0x0102030405060708n)],
  ['F64', Float64Array.of(1.5, -0.1)],
]

/** The same bytes of each number, the other way round. */
function turned(numbers: Numbers): Numbers {
  const bytes = Uint8Array.from(new Uint8Array(numbers.buffer))
  const width = numbers.BYTES_PER_ELEMENT
  for (let at = 0; at < bytes.length; at += width) bytes.subarray(at, at + width).reverse()
  return new (numbers.constructor as new (buffer: ArrayBuffer) => Numbers)(bytes.buffer)
}

const question = /const _isBigEndian = .*;/

async function lists(change: (glue: string) => string): Promise<Record<string, GuestCall>> {
  const { tight, modules } = await generatedOf('numbers')
  const { exports } = await load(change(tight.text), modules, {})
  return (exports['lists'] ?? exports['test:numbers/lists']) as unknown as Record<string, GuestCall>
}

describe('a list of numbers', () => {
  let here: Record<string, GuestCall>

  beforeAll(async () => {
    here = await lists((glue) => glue)
  })

  test.each(samples)('of %s reaches the guest as it is, and comes back so', (type, numbers) => {
    expect(here[`first${type}`]?.(numbers)).toBe(numbers[0])
    expect(here[`echo${type}`]?.(numbers)).toEqual(numbers)
    expect(here[`first${type}`]?.([...numbers])).toBe(numbers[0])
  })

  test('of a view into a larger buffer is not taken from its begin', () => {
    const numbers = Uint32Array.of(1, 2, 3, 4).subarray(2)
    expect(here['echoU32']?.(numbers)).toEqual(Uint32Array.of(3, 4))
  })

  test.each(samples)('of %s is turned where the machine has the other order', async (type, numbers) => {
    const elsewhere = await lists((glue) => {
      expect(glue).toMatch(question)
      return glue.replace(question, (line) => line.replace('=== 0', '!== 0'))
    })
    // This machine is not the one the glue takes it for: what is turned once is wrong, what is turned twice is right.
    expect(elsewhere[`first${type}`]?.(numbers)).toBe(turned(numbers)[0])
    expect(elsewhere[`echo${type}`]?.(numbers)).toEqual(numbers)
  })
})
