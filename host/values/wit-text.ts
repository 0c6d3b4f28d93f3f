/** Functions and their types as WIT writes them: those that have a name by it, and what the name stands for beside that. */
import type { Signature, WitShape } from '../engine/index.ts'
import { shownType } from './shown-type.ts'

type NamedType = Extract<WitShape, { kind: 'record' | 'variant' | 'flags' | 'enum' }>

/** Definitions beyond these are left out: whoever has so many reads the WIT itself. */
const maxDefinitions = 24

/** `func(readings: list<reading>) -> option<reading>` */
export function witFunction({ parameters, result }: Signature): string {
  const taken = parameters.map(({ name, type }) => `${name}: ${witType(type)}`)
  return `func(${taken.join(', ')})${result === null ? '' : ` -> ${witType(result)}`}`
}

/** What the names in it stand for, in the order in which they are met: `record reading { place: string, celsius: f64 }` */
export function witDefinitions({ parameters, result }: Signature): string[] {
  const met = new Map<string, string>()
  const waiting = [...parameters.map(({ type }) => type), result]
  // The list grows while it is walked: what a definition uses follows behind those of the function itself.
  for (const type of waiting) {
    if (type === null) continue
    waiting.push(...partsOf(type))
    const name = nameOf(type)
    if (name !== null && !met.has(name) && met.size < maxDefinitions)
      met.set(name, definition(name, type as NamedType))
  }
  return [...met.values()]
}

function witType(type: WitShape | null): string {
  if (type === null) return '_'
  const name = nameOf(type)
  if (name !== null) return name
  switch (type.kind) {
    case 'list':
    case 'option':
      return `${type.kind}<${witType(type.item)}>`
    case 'tuple':
      return `tuple<${type.items.map(witType).join(', ')}>`
    case 'result':
      if (type.err !== null) return `result<${witType(type.ok)}, ${witType(type.err)}>`
      return type.ok === null ? 'result' : `result<${witType(type.ok)}>`
    default:
      return shownType(type)
  }
}

function nameOf(type: WitShape): string | null {
  return 'name' in type ? (type.name ?? null) : null
}

function definition(name: string, type: NamedType): string {
  const inside =
    type.kind === 'record'
      ? type.members.map((field) => `${field.name}: ${witType(field.type)}`)
      : 'members' in type
        ? type.members.map((one) => (one.type === null ? one.name : `${one.name}(${witType(one.type)})`))
        : type.names
  return `${type.kind} ${name} { ${inside.join(', ')} }`
}

function partsOf(type: WitShape): readonly (WitShape | null)[] {
  if ('members' in type) return type.members.map((member) => member.type)
  if ('items' in type) return type.items
  if ('item' in type) return [type.item]
  return type.kind === 'result' ? [type.ok, type.err] : []
}
