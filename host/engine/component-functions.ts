/**
 * The functions that a component exports to other apps and to people, and those that it imports from other apps, with
 * their types: what a call by name or through a link is held against. Made by the child that prepares the component,
 * so it is bounded: types share parts in the binary form, which written out may grow without end.
 */
import { docsLimits, docsOf, shortDocs, type DocsOf } from './component-docs.ts'
import { namesOf } from './component-signature.ts'
import type { Signature, WitShape } from './component-types.ts'

export interface FunctionFacts {
  /** WIT's: `to-fahrenheit`. */
  readonly name: string
  /** null where it cannot be told, or is too large to be written out. */
  readonly signature: Signature | null
  /** What its WIT says of it, in lines. */
  readonly docs?: string | undefined
}

export interface InterfaceFunctions {
  /** With its version; empty for functions of the world itself. */
  readonly id: string
  /** What its WIT says of the interface, in lines. */
  readonly docs?: string | undefined
  readonly functions: readonly FunctionFacts[]
}

export interface ComponentFunctions {
  /** Without those of WASI and of Selvedge, which every node knows. */
  readonly imports: readonly InterfaceFunctions[]
  /** Without those of WASI, which are for the node to call. */
  readonly exports: readonly InterfaceFunctions[]
}

/** Far more than an interface made for calls has. */
const maxFunctions = 256
/** Types in all signatures together, counted as they are written out. */
const maxTypes = 8_192

export const noFunctions: ComponentFunctions = { imports: [], exports: [] }

export function functionsOf(component: Uint8Array): ComponentFunctions {
  const names = namesOf(component)
  if (names === null) return noFunctions
  const budget: Budget = { functions: maxFunctions, types: maxTypes }
  const exports = documented(listed(names.exports, /^wasi:/, budget), docsOf(component))
  return { imports: listed(names.imports, /^(wasi|selvedge):/, budget), exports }
}

/** With what is said of them, as far as there is room for it. */
function documented(interfaces: readonly InterfaceFunctions[], docsFor: DocsOf): InterfaceFunctions[] {
  let left: number = docsLimits.totalChars
  const within = (text: string | undefined): { docs?: string } => {
    const docs = shortDocs(text)
    if (docs === null || docs.length > left) return {}
    left -= docs.length
    return { docs }
  }
  return interfaces.map(({ id, functions }) => {
    const found = docsFor(id)
    if (found === null) return { id, functions }
    const told = functions.map((fact) => ({
      ...fact,
      ...within(Object.hasOwn(found.funcs, fact.name) ? found.funcs[fact.name]?.docs : undefined),
    }))
    return { id, ...within(found.docs), functions: told }
  })
}

type Names = NonNullable<ReturnType<typeof namesOf>>['exports']
interface Budget {
  functions: number
  types: number
}

function listed(names: Names, without: RegExp, budget: Budget): InterfaceFunctions[] {
  const interfaces: InterfaceFunctions[] = []
  const own: FunctionFacts[] = []
  for (const [id, { function: signature, instance }] of names) {
    if (signature !== undefined) own.push(...factsOf(id, signature, budget))
    if (instance === undefined || instance === null || without.test(id)) continue
    const typeNames = new Map<unknown, string>()
    for (const [name, { type }] of instance)
      if (type && name.length <= maxNameChars) typeNames.set(type, name)
    const functions = [...instance].flatMap(([name, item]) =>
      item.function === undefined ? [] : factsOf(name, item.function, budget, typeNames),
    )
    if (functions.length > 0) interfaces.push({ id, functions })
  }
  return own.length === 0 ? interfaces : [{ id: '', functions: own }, ...interfaces]
}

function factsOf(
  name: string,
  signature: Signature | null,
  budget: Budget,
  typeNames: TypeNames = new Map(),
): FunctionFacts[] {
  if (budget.functions <= 0 || name.length > maxNameChars) return []
  budget.functions -= 1
  if (signature === null || !fits(signature, budget)) return [{ name, signature: null }]
  const { parameters, result } = signature
  const known = parameters.map((parameter) => ({ ...parameter, type: named(parameter.type, typeNames) }))
  return [{ name, signature: { kind: 'function', parameters: known, result: named(result, typeNames) } }]
}

const maxNameChars = 128

/** What an interface calls its types: each is one object, wherever it is used. */
type TypeNames = ReadonlyMap<unknown, string>

/** Only of what was found to fit: what is written out may be endless. */
function named(type: WitShape | null, typeNames: TypeNames): WitShape | null {
  if (type === null) return null
  const inner = (item: WitShape | null): WitShape | null => named(item, typeNames)
  const name = typeNames.get(type)
  const withName = name === undefined ? {} : { name }
  if ('members' in type)
    return { ...type, ...withName, members: type.members.map((one) => ({ ...one, type: inner(one.type) })) }
  if ('names' in type) return { ...type, ...withName }
  if ('items' in type) return { ...type, items: type.items.map(inner) }
  if ('item' in type) return { ...type, item: inner(type.item) }
  return type.kind === 'result' ? { ...type, ok: inner(type.ok), err: inner(type.err) } : type
}

/** Takes what it needs off the budget, where that is there. */
function fits({ parameters, result }: Signature, budget: Budget): boolean {
  const left = [...parameters.map(({ type }) => type), result].reduce(
    (rest, type) => leftAfter(type, rest),
    budget.types,
  )
  if (left < 0) return false
  budget.types = left
  return true
}

/** Stops at the first that is too much: what is written out may be endless. */
function leftAfter(type: WitShape | null, left: number): number {
  if (type === null || left < 0) return left
  let rest = left - 1
  for (const part of partsOf(type)) rest = leftAfter(part, rest)
  return 'names' in type ? rest - type.names.length : rest
}

function partsOf(type: WitShape): readonly (WitShape | null)[] {
  if ('members' in type) return type.members.map((member) => member.type)
  if ('items' in type) return type.items
  if ('item' in type) return [type.item]
  return type.kind === 'result' ? [type.ok, type.err] : []
}
