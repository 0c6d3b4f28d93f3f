/**
 * One world, resolved: every name stands for its definition, aliases are seen through, and an interface that a
 * world both imports and exports is there twice, because the two have different resources.
 */
import type { PrimitiveName } from './syntax.ts'

export type WitType =
  | { readonly kind: 'primitive'; readonly name: PrimitiveName }
  | { readonly kind: 'list' | 'option'; readonly of: WitType }
  | { readonly kind: 'result'; readonly ok: WitType | null; readonly err: WitType | null }
  | { readonly kind: 'tuple'; readonly of: readonly WitType[] }
  | { readonly kind: 'own' | 'borrow'; readonly resource: TypeDef }
  /** A record, variant, enum or flags. */
  | { readonly kind: 'defined'; readonly def: TypeDef }

export interface Field {
  readonly name: string
  readonly docs: string
  readonly type: WitType
}

export interface Case {
  readonly name: string
  readonly docs: string
  readonly type: WitType | null
}

export type TypeBody =
  | { readonly kind: 'record'; readonly fields: readonly Field[] }
  | { readonly kind: 'variant'; readonly cases: readonly Case[] }
  | { readonly kind: 'enum' | 'flags'; readonly cases: readonly Case[] }
  | { readonly kind: 'resource'; readonly functions: readonly WitFunction[] }

export interface TypeDef {
  readonly name: string
  readonly docs: string
  readonly owner: Interface
  readonly body: TypeBody
}

/** Another name for a type: `type body = list<u8>`, or what `use` brings. */
export interface Alias {
  readonly name: string
  readonly docs: string
  readonly type: WitType
}

export interface WitFunction {
  readonly name: string
  readonly docs: string
  readonly kind: 'free' | 'method' | 'static' | 'constructor'
  /** Without the `self` of a method. */
  readonly params: readonly Field[]
  readonly result: WitType | null
}

export interface Interface {
  /** `wasi:io/streams@0.2.12`; the plain name of one written inside the world; empty for the world's own items. */
  readonly id: string
  readonly direction: 'import' | 'export'
  readonly docs: string
  readonly types: readonly TypeDef[]
  readonly aliases: readonly Alias[]
  readonly functions: readonly WitFunction[]
}

export interface World {
  readonly name: string
  readonly docs: string
  /** Those that others need first; the world's own functions and types are in one whose id is empty. */
  readonly imports: readonly Interface[]
  readonly exports: readonly Interface[]
}

/** `streams` of `wasi:io/streams@0.2.12`. */
export function interfaceName(id: string): string {
  return id.replace(/^.*\//, '').replace(/@.*$/, '')
}
