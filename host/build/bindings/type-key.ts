/** Types by name: what tells the helpers of one type from those of another. */
import type { TypeDef, WitType } from '../wit/index.ts'

/**
 * A type's part of its helpers' names: operators in lower case before their operands, defined types in upper case
 * without underscores, so that no two types share one.
 */
export function typeKey(type: WitType | null, names: ReadonlyMap<TypeDef, string>): string {
  if (type === null) return 'none'
  switch (type.kind) {
    case 'primitive':
      return type.name
    case 'list':
    case 'option':
      return `${type.kind}_${typeKey(type.of, names)}`
    case 'result':
      return `result_${typeKey(type.ok, names)}_${typeKey(type.err, names)}`
    case 'tuple':
      return `tuple${type.of.length}_${type.of.map((item) => typeKey(item, names)).join('_')}`
    case 'own':
      return names.get(type.resource) ?? ''
    case 'borrow':
      return `borrow_${names.get(type.resource) ?? ''}`
    default:
      return names.get(type.def) ?? ''
  }
}
