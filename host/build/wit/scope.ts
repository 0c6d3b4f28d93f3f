/** The names that one interface or world knows, and what they mean there. */
import { buildProblems } from '../problems.ts'
import type { Alias, Interface, TypeDef, WitFunction, WitType } from './model.ts'

/** A name of a scope: a type of our own model, or a resource, which is no type by itself. */
export type Meaning = { readonly type: WitType } | { readonly resource: TypeDef }

export interface Scope {
  readonly interface: Interface & { functions: WitFunction[]; types: TypeDef[]; aliases: Alias[] }
  readonly meanings: Map<string, Meaning>
}

export function newScope(id: string, direction: Interface['direction'], docs: string): Scope {
  return { interface: { id, direction, docs, types: [], aliases: [], functions: [] }, meanings: new Map() }
}

/** A resource's plain name means its ownership. */
export function typeOf(meaning: Meaning): WitType {
  return 'type' in meaning ? meaning.type : { kind: 'own', resource: meaning.resource }
}

export function meaningOf(scope: Scope, name: string): Meaning {
  const meaning = scope.meanings.get(name)
  if (meaning === undefined) throw notThere(name)
  return meaning
}

export function notThere(name: string): Error {
  return buildProblems.error('ERR_WORLD', `the WIT uses a type ${name}, which is not there`)
}
