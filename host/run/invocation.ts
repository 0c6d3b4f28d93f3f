/**
 * Arguments and result of one function, as they are typed and shown: JSON, where text needs no quotation marks. Records are
 * objects with camelCase fields, variants `{"tag": …, "val": …}`, bytes lists of numbers.
 */
import type { CoreType } from '../engine/index.ts'
import { runProblems } from './problems.ts'

/** `12`, `1.5`, `true`, `[1, 2]`, `{"a": 1}`, `"12"`; anything else is text. Integers that a number cannot hold are exact. */
export function readArgument(text: string): unknown {
  if (/^-?\d{16,}$/.test(text) || /^-?\d+n$/.test(text)) return BigInt(text.replace(/n$/, ''))
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/**
 * Arguments of a core module's function, as numbers of exactly its types.
 * @throws ERR_RUN_ARGUMENTS where there are more or fewer, or one is none of its type
 */
export function readCoreArguments(
  name: string,
  texts: readonly string[],
  parameters: readonly CoreType[],
): (number | bigint)[] {
  if (texts.length !== parameters.length) {
    const takes = parameters.length === 0 ? 'no arguments' : `(${parameters.join(', ')})`
    throw runProblems.error('ERR_RUN_ARGUMENTS', `${name} takes ${takes}, and was given ${texts.length}`)
  }
  return parameters.map((type, index) => {
    const text = texts[index] ?? ''
    const value = type.startsWith('i') ? readInteger(text, type === 'i32' ? 32n : 64n) : readFloat(text)
    if (value === null) {
      throw runProblems.error(
        'ERR_RUN_ARGUMENTS',
        `argument ${index + 1} of ${name} is an ${type}, which ${JSON.stringify(text)} is not`,
      )
    }
    return type === 'i32' ? Number(value) : value
  })
}

/** Signed or unsigned, as its bits are the same. */
function readInteger(text: string, bits: bigint): bigint | null {
  if (!/^-?(\d{1,20}|0x[0-9a-f]{1,16})$/i.test(text)) return null
  const value = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
  return value >= -(1n << (bits - 1n)) && value < 1n << bits ? value : null
}

function readFloat(text: string): number | null {
  if (/^-?(nan|inf(inity)?)$/i.test(text)) {
    const magnitude = /nan/i.test(text) ? NaN : Infinity
    return text.startsWith('-') ? -magnitude : magnitude
  }
  const value = text.trim() === '' ? NaN : Number(text)
  return Number.isNaN(value) ? null : value
}

export function printedValue(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint') return String(value)
  return JSON.stringify(value, (_, item: unknown) => {
    if (item instanceof Uint8Array) return [...item]
    if (typeof item === 'bigint') return Number.isSafeInteger(Number(item)) ? Number(item) : String(item)
    return item
  })
}
