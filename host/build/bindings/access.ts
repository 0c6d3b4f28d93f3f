/** How generated code takes values apart: a variant's number and payloads, a record's members. */
import type { WitType } from '../wit/index.ts'
import { memberName } from './names.ts'
import { isReference } from './source-file.ts'

/** How each payload of a variant-like type is tested for and reached. */
export interface CaseAccess {
  /** The expression that is the case's number. */
  readonly tag: string
  readonly payload: (index: number) => string
}

/** What a variant-like value offers to be taken apart by. */
export function accessOf(type: WitType, value: string): CaseAccess {
  if (type.kind === 'option') {
    return {
      tag: `${value} !== null ? 1 : 0`,
      payload: () => (isReference(type.of) ? value : `${value}.value`),
    }
  }
  if (type.kind === 'result') {
    return {
      tag: `${value}.isOk ? 0 : 1`,
      payload: (index) => `${value}.${index === 0 ? '_value' : '_error'}`,
    }
  }
  if (type.kind !== 'defined' || type.def.body.kind !== 'variant')
    throw new Error(`no cases in a ${type.kind}`)
  const { cases } = type.def.body
  return { tag: `<i32>${value}.tag`, payload: (index) => `${value}.${payloadName(cases[index]?.name ?? '')}` }
}

/** The getter of a variant's payload: `asOther`. */
export function payloadName(caseName: string): string {
  return memberName(`as-${caseName}`)
}

/** The members of a record or tuple, by their names in AssemblyScript; null for anything else. */
export function membersOf(type: WitType): { name: string; type: WitType }[] | null {
  if (type.kind === 'tuple') return type.of.map((item, index) => ({ name: `v${index}`, type: item }))
  if (type.kind !== 'defined' || type.def.body.kind !== 'record') return null
  return type.def.body.fields.map((field) => ({ name: memberName(field.name), type: field.type }))
}
