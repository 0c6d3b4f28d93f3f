/**
 * Arguments and result of one function, as they are typed and shown: JSON, where text needs no quotation marks. Records are
 * objects with camelCase fields, variants `{"tag": …, "val": …}`, bytes lists of numbers.
 */

/** `12`, `1.5`, `true`, `[1, 2]`, `{"a": 1}`, `"12"`; anything else is text. Integers that a number cannot hold are exact. */
export function readArgument(text: string): unknown {
  if (/^-?\d{16,}$/.test(text) || /^-?\d+n$/.test(text)) return BigInt(text.replace(/n$/, ''))
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
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
