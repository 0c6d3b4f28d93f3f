/**
 * Numbers of the canonical ABI (CanonicalABI.md of the Component Model): how large a value is in memory, and which
 * core values it becomes when it is passed without memory.
 */
import type { WitType } from './model.ts'
import type { PrimitiveName } from './syntax.ts'

export type CoreType = 'i32' | 'i64' | 'f32' | 'f64'

/** More flat parameters than this are passed in memory (MAX_FLAT_PARAMS). */
export const maxFlatParams = 16

export interface Layout {
  readonly sizeBytes: number
  /** A power of two. */
  readonly alignBytes: number
  readonly flat: readonly CoreType[]
}

const scalars: Record<Exclude<PrimitiveName, 'string'>, readonly [bytes: number, flat: CoreType]> = {
  bool: [1, 'i32'],
  u8: [1, 'i32'],
  s8: [1, 'i32'],
  u16: [2, 'i32'],
  s16: [2, 'i32'],
  u32: [4, 'i32'],
  s32: [4, 'i32'],
  char: [4, 'i32'],
  f32: [4, 'f32'],
  u64: [8, 'i64'],
  s64: [8, 'i64'],
  f64: [8, 'f64'],
}

const pointerAndLength: Layout = { sizeBytes: 8, alignBytes: 4, flat: ['i32', 'i32'] }
const none: Layout = { sizeBytes: 0, alignBytes: 1, flat: [] }

export function layoutOf(type: WitType | null): Layout {
  if (type === null) return none
  switch (type.kind) {
    case 'primitive':
      return type.name === 'string' ? pointerAndLength : scalar(...scalars[type.name])
    case 'list':
      return pointerAndLength
    case 'own':
    case 'borrow':
      return scalar(4, 'i32')
    case 'tuple':
      return sequence(type.of).layout
    case 'option':
    case 'result':
      return choice(casesOf(type)).layout
    default: {
      const { body } = type.def
      if (body.kind === 'record') return sequence(body.fields.map((field) => field.type)).layout
      if (body.kind === 'flags') return scalar(flagBytes(body.cases.length), 'i32')
      return choice(casesOf(type)).layout
    }
  }
}

/** The payloads of an option, result, variant or enum, in the order of their discriminants. */
export function casesOf(type: WitType): readonly (WitType | null)[] {
  if (type.kind === 'option') return [null, type.of]
  if (type.kind === 'result') return [type.ok, type.err]
  if (type.kind === 'defined' && (type.def.body.kind === 'variant' || type.def.body.kind === 'enum')) {
    return type.def.body.cases.map((one) => one.type)
  }
  throw new Error(`a ${type.kind} has no cases`)
}

/** Of a record or tuple: where each member is. */
export function sequence(members: readonly WitType[]): { layout: Layout; offsets: readonly number[] } {
  let at = 0
  let alignBytes = 1
  const offsets: number[] = []
  const flat: CoreType[] = []
  for (const member of members) {
    const layout = layoutOf(member)
    at = alignTo(at, layout.alignBytes)
    offsets.push(at)
    at += layout.sizeBytes
    alignBytes = Math.max(alignBytes, layout.alignBytes)
    flat.push(...layout.flat)
  }
  return { layout: { sizeBytes: alignTo(at, alignBytes), alignBytes, flat }, offsets }
}

/** Of a variant: how wide the discriminant is, and where the payload of every case begins. */
export function choice(cases: readonly (WitType | null)[]): {
  layout: Layout
  tagBytes: 1 | 2 | 4
  payloadOffset: number
} {
  const tagBytes = cases.length <= 0x100 ? 1 : cases.length <= 0x10000 ? 2 : 4
  const layouts = cases.map(layoutOf)
  const payloadAlign = Math.max(1, ...layouts.map((layout) => layout.alignBytes))
  const alignBytes = Math.max(tagBytes, payloadAlign)
  const payloadOffset = alignTo(tagBytes, payloadAlign)
  const largest = Math.max(0, ...layouts.map((layout) => layout.sizeBytes))
  const payload: CoreType[] = []
  for (const { flat } of layouts) {
    for (const [index, core] of flat.entries()) {
      const other = payload[index]
      payload[index] = other === undefined ? core : join(other, core)
    }
  }
  return {
    layout: {
      sizeBytes: alignTo(payloadOffset + largest, alignBytes),
      alignBytes,
      flat: ['i32', ...payload],
    },
    tagBytes,
    payloadOffset,
  }
}

function scalar(bytes: number, flat: CoreType): Layout {
  return { sizeBytes: bytes, alignBytes: bytes, flat: [flat] }
}

function flagBytes(count: number): number {
  return count <= 8 ? 1 : count <= 16 ? 2 : 4
}

function alignTo(at: number, alignBytes: number): number {
  return Math.ceil(at / alignBytes) * alignBytes
}

function join(a: CoreType, b: CoreType): CoreType {
  if (a === b) return a
  const narrow = (core: CoreType): boolean => core === 'i32' || core === 'f32'
  return narrow(a) && narrow(b) ? 'i32' : 'i64'
}
