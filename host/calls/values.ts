/**
 * WIT values on their way between nodes, as jco lifts them: CBOR, and what CBOR as we read it does not hold (bigints,
 * `undefined`, numbers that are no fraction and not finite, typed arrays) as a map under the empty key, which no WIT
 * name is.
 */
import { decodeCbor, encodeCbor, messageOf } from '../../core/index.ts'
import { callRules } from './contract.ts'
import { callProblems } from './problems.ts'

const special = ''
/** As deep as a sandbox takes values. */
const maxDepth = 60
const maxItems = 1_000_000

const numberArrays = {
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const
const longArrays = { u64: BigUint64Array, i64: BigInt64Array } as const

/** @throws ERR_CALL_VALUE for what is no value, or too large */
export function encodeValue(value: unknown): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = encodeCbor(carried(value, 0))
  } catch (error) {
    throw callProblems.error('ERR_CALL_VALUE', `the value cannot travel: ${messageOf(error)}`, {
      cause: error,
    })
  }
  if (bytes.length <= callRules.valueBytes) return bytes
  throw callProblems.error(
    'ERR_CALL_VALUE',
    `the value takes ${bytes.length} bytes, over ${callRules.valueBytes}`,
  )
}

/** @throws ERR_CALL_VALUE */
export function decodeValue(bytes: Uint8Array): unknown {
  try {
    // A special one takes two levels where the value takes one.
    return lifted(decodeCbor(bytes, { maxBytes: callRules.valueBytes, maxDepth: maxDepth + 4, maxItems }))
  } catch (error) {
    throw callProblems.error('ERR_CALL_VALUE', `the value that came is none: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function carried(value: unknown, depth: number): unknown {
  if (depth > maxDepth) throw new Error(`it is nested deeper than ${maxDepth}`)
  switch (typeof value) {
    case 'number':
      return isPlain(value) ? value : { [special]: ['f', Object.is(value, -0) ? '-0' : String(value)] }
    case 'bigint':
      return { [special]: ['n', String(value)] }
    case 'undefined':
      return { [special]: ['u'] }
    case 'object':
      return carriedObject(value, depth)
    case 'string':
    case 'boolean':
      return value
    default:
      throw new Error(`a ${typeof value} is not a value that WIT has`)
  }
}

/** Whether CBOR as we write and read it gives the same number back. */
function isPlain(value: number): boolean {
  if (!Number.isFinite(value) || Object.is(value, -0)) return false
  return !Number.isInteger(value) || Number.isSafeInteger(value)
}

function carriedObject(value: object | null, depth: number): unknown {
  if (value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map((item) => carried(item, depth + 1))
  if (ArrayBuffer.isView(value)) return carriedArray(value)
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype)
    throw new Error(`a ${value.constructor.name} stays on its node`)
  const record: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(value)) {
    if (name === special) throw new Error('a field has no name')
    record[name] = carried(item, depth + 1)
  }
  return record
}

function carriedArray(value: ArrayBufferView): unknown {
  for (const [kind, made] of Object.entries({ ...numberArrays, ...longArrays })) {
    if (value instanceof made) return { [special]: [kind, [...value].map((item) => carried(item, 0))] }
  }
  throw new Error(`a ${value.constructor.name} is not a value that WIT has`)
}

function lifted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map(lifted)
  if (special in value) return liftedSpecial(value)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, lifted(item)]))
}

function liftedSpecial(value: object): unknown {
  const [content, ...others] = Object.values(value) as unknown[]
  if (!Array.isArray(content) || others.length > 0) throw new Error('a special value of another shape')
  const [kind, detail] = content as unknown[]
  if (kind === 'u' && content.length === 1) return undefined
  if (content.length !== 2) throw new Error('a special value of another shape')
  if (kind === 'n' && typeof detail === 'string' && /^-?\d{1,20}$/.test(detail)) return BigInt(detail)
  if (kind === 'f' && typeof detail === 'string') return numberOf(detail)
  if (typeof kind === 'string' && Array.isArray(detail)) return arrayOf(kind, detail.map(lifted))
  throw new Error('a special value of no kind')
}

function numberOf(text: string): number {
  const value = Number(text)
  const isOurs = text === 'NaN' || (!isPlain(value) && !Number.isNaN(value) && text.length <= 32)
  if (isOurs) return value
  throw new Error('a special number that is none')
}

function arrayOf(kind: string, items: readonly unknown[]): unknown {
  const numbers = Object.entries(numberArrays).find(([name]) => name === kind)?.[1]
  if (numbers !== undefined && items.every((item) => typeof item === 'number')) return numbers.from(items)
  const longs = Object.entries(longArrays).find(([name]) => name === kind)?.[1]
  if (longs !== undefined && items.every((item) => typeof item === 'bigint')) return longs.from(items)
  throw new Error('a list of no kind')
}
