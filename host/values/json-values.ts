/**
 * Values of WIT types as JSON: records are objects with camelCase fields, variants `{"tag": …, "val": …}`, an option is
 * null or its value, bytes are numbers, and 64-bit integers that a number cannot hold are text.
 */
import type { WitShape } from '../engine/index.ts'
import { camelCase } from '../guest/index.ts'
import { fieldOf, isObject, isTaggedOption, resultCases } from './fits.ts'

type Convert = (value: unknown, type: WitShape | null) => unknown

/** @returns what JSON.stringify can take. @param type null where it is not known: then by its looks alone */
export function toJson(value: unknown, type: WitShape | null): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value === undefined) return null
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return [...(value as unknown as Iterable<unknown>)].map((entry) => toJson(entry, null))
  if (type === null) {
    if (Array.isArray(value)) return value.map((entry) => toJson(entry, null))
    if (!isObject(value)) return value
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toJson(entry, null)]))
  }
  return converted(value, type, toJson)
}

/** The same back, as far as it has the form of the type; what has not is left as it is, for `fits` to refuse. */
export function fromJson(value: unknown, type: WitShape | null): unknown {
  if (type === null) return value
  switch (type.kind) {
    case 'u64':
    case 's64':
      return isWhole(value) ? BigInt(value) : value
    case 'f32':
    case 'f64':
      return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : value
    case 'list':
      return type.item?.kind === 'u8' && Array.isArray(value) && value.every(isByte)
        ? Uint8Array.from(value as number[])
        : converted(value, type, fromJson)
    case 'option':
      if (!isTaggedOption(type.item)) return value === null ? undefined : fromJson(value, type.item)
      return isObject(value) ? converted(value, type, fromJson) : value
    case 'flags':
      return Array.isArray(value) ? flagsOf(type.names, value) : value
    default:
      return converted(value, type, fromJson)
  }
}

function converted(value: unknown, type: WitShape, convert: Convert): unknown {
  switch (type.kind) {
    case 'list':
      return Array.isArray(value) ? value.map((entry) => convert(entry, type.item)) : value
    case 'tuple':
      return Array.isArray(value)
        ? value.map((entry, index) => convert(entry, type.items[index] ?? null))
        : value
    case 'record':
      return isObject(value)
        ? Object.fromEntries(
            type.members.map(({ name, type: of }) => [camelCase(name), convert(fieldOf(value, name), of)]),
          )
        : value
    case 'option':
      return isTaggedOption(type.item)
        ? inCase(value, [{ name: 'some', type: type.item }], convert)
        : convert(value, type.item)
    case 'variant':
      return inCase(value, type.members, convert)
    case 'result':
      return inCase(value, resultCases(type), convert)
    default:
      return value
  }
}

function inCase(
  value: unknown,
  cases: readonly { readonly name: string; readonly type: WitShape | null }[],
  convert: Convert,
): unknown {
  if (!isObject(value)) return value
  const type = cases.find(({ name }) => name === value['tag'])?.type ?? null
  return type === null ? { tag: value['tag'] } : { tag: value['tag'], val: convert(value['val'], type) }
}

export function flagsOf(names: readonly string[], set: readonly unknown[]): unknown {
  if (set.some((name) => typeof name !== 'string' || !names.includes(name))) return set
  return Object.fromEntries(names.map((name) => [camelCase(name), set.includes(name)]))
}

function isWhole(value: unknown): value is number | string {
  return Number.isSafeInteger(value) || (typeof value === 'string' && /^-?\d{1,20}$/.test(value))
}

function isByte(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255
}
