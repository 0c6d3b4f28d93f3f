/**
 * Whether a value is one of its type, in the form that jco lifts and lowers: what its glue would otherwise make
 * something of. Held against what comes from another node, another app or a person.
 */
import type { WitShape } from '../engine/index.ts'
import { camelCase } from '../guest/index.ts'

const maxDepth = 64

/** @param type null for one that is not known, which nothing is said about */
export function fits(value: unknown, type: WitShape | null, depth = 0): boolean {
  if (type === null) return true
  if (depth > maxDepth) return false
  const inner = (item: unknown, itemType: WitShape | null): boolean => fits(item, itemType, depth + 1)
  switch (type.kind) {
    case 'bool':
      return typeof value === 'boolean'
    case 'string':
      return typeof value === 'string'
    case 'char':
      return typeof value === 'string' && [...value].length === 1
    case 'f32':
    case 'f64':
      return typeof value === 'number'
    case 'enum':
      return typeof value === 'string' && type.names.includes(value)
    case 'flags':
      return isObject(value) && Object.values(value).every((item) => typeof item === 'boolean')
    case 'list':
      return fitsList(value, type.item, inner)
    case 'tuple':
      return fitsTuple(value, type.items, inner)
    case 'option':
      return fitsOption(value, type.item, inner)
    case 'record':
      return (
        isObject(value) && type.members.every((member) => inner(fieldOf(value, member.name), member.type))
      )
    case 'variant':
      return fitsCase(value, type.members, inner)
    case 'result':
      return fitsCase(value, resultCases(type), inner)
    case 'handle':
      return false
    default:
      return isInteger(value, type.kind)
  }
}

type Inner = (value: unknown, type: WitShape | null) => boolean

/** Where an option holds what may itself be nothing, jco tags it. */
export function isTaggedOption(item: WitShape | null): boolean {
  return item?.kind === 'option'
}

export function resultCases({ ok, err }: Extract<WitShape, { kind: 'result' }>): readonly {
  readonly name: string
  readonly type: WitShape | null
}[] {
  return [
    { name: 'ok', type: ok },
    { name: 'err', type: err },
  ]
}

/** Fields are `timeMs` for WIT's `time-ms`. */
export function fieldOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  const key = camelCase(name)
  return Object.hasOwn(value, key) ? value[key] : undefined
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)
}

/** jco gives lists of numbers as typed arrays. */
function fitsList(value: unknown, item: WitShape | null, inner: Inner): boolean {
  if (Array.isArray(value)) return value.every((entry) => inner(entry, item))
  if (value instanceof Uint8Array && item?.kind === 'u8') return true
  if (!ArrayBuffer.isView(value) || value instanceof DataView) return false
  return [...(value as unknown as Iterable<unknown>)].every((entry) => inner(entry, item))
}

function fitsTuple(value: unknown, items: readonly (WitShape | null)[], inner: Inner): boolean {
  return (
    Array.isArray(value) &&
    value.length === items.length &&
    items.every((item, index) => inner(value[index], item))
  )
}

function fitsOption(value: unknown, item: WitShape | null, inner: Inner): boolean {
  if (!isTaggedOption(item)) return value === null || value === undefined || inner(value, item)
  return fitsCase(
    value,
    [
      { name: 'none', type: null },
      { name: 'some', type: item },
    ],
    inner,
  )
}

function fitsCase(
  value: unknown,
  cases: readonly { readonly name: string; readonly type: WitShape | null }[],
  inner: Inner,
): boolean {
  if (!isObject(value)) return false
  const found = cases.find(({ name }) => name === value['tag'])
  return found !== undefined && (found.type === null || inner(value['val'], found.type))
}

/** `u8` … `s64`. */
function isInteger(value: unknown, kind: string): boolean {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return false
  const bits = BigInt(kind.slice(1))
  const [least, most] = kind.startsWith('u') ? [0n, 1n << bits] : [-(1n << (bits - 1n)), 1n << (bits - 1n)]
  const whole = BigInt(value as number | bigint)
  return whole >= least && whole < most
}
