/** Expressions that turn one kind of core value into another. */
import type { CoreType, WitType } from '../wit/index.ts'

/** Bits that no flag has are not passed on. */
export function flagsMask(type: WitType, value: string): string {
  if (type.kind !== 'defined' || type.def.body.kind !== 'flags') return `<i32>${value}`
  const count = type.def.body.cases.length
  return count >= 32 ? `<i32>${value}` : `<i32>${value} & ${2 ** count - 1}`
}

/** Between the core type that a payload has and the one that all cases share (CanonicalABI.md, "join"). */
export function convert(value: string, from: CoreType, to: CoreType): string {
  if (from === to) return value
  const pair = `${from} ${to}`
  const conversions: Record<string, string> = {
    'i32 i64': `<i64><u32>${value}`,
    'f32 i32': `reinterpret<i32>(${value})`,
    'f32 i64': `<i64><u32>reinterpret<i32>(${value})`,
    'f64 i64': `reinterpret<i64>(${value})`,
    'i64 i32': `<i32>${value}`,
    'i32 f32': `reinterpret<f32>(${value})`,
    'i64 f32': `reinterpret<f32>(<i32>${value})`,
    'i64 f64': `reinterpret<f64>(${value})`,
  }
  const conversion = conversions[pair]
  if (conversion === undefined) throw new Error(`the canonical ABI never makes ${to} of ${from}`)
  return conversion
}
