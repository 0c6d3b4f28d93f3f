/**
 * A WIT text as the parser leaves it: packages with their interfaces and worlds, types still by name. What the
 * names stand for in one world is found in `resolve.ts` (WIT.md of the Component Model).
 */
export type PrimitiveName =
  | 'bool'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 's8'
  | 's16'
  | 's32'
  | 's64'
  | 'f32'
  | 'f64'
  | 'char'
  | 'string'

export type TypeSyntax =
  | { readonly kind: 'primitive'; readonly name: PrimitiveName }
  | { readonly kind: 'list' | 'option'; readonly of: TypeSyntax }
  | { readonly kind: 'result'; readonly ok: TypeSyntax | null; readonly err: TypeSyntax | null }
  | { readonly kind: 'tuple'; readonly of: readonly TypeSyntax[] }
  | { readonly kind: 'own' | 'borrow'; readonly name: string }
  | { readonly kind: 'name'; readonly name: string }

export interface FieldSyntax {
  readonly name: string
  readonly docs: string
  readonly type: TypeSyntax
}

export interface CaseSyntax {
  readonly name: string
  readonly docs: string
  readonly type: TypeSyntax | null
}

export interface FunctionSyntax {
  readonly name: string
  readonly docs: string
  readonly kind: 'free' | 'method' | 'static' | 'constructor'
  readonly params: readonly FieldSyntax[]
  readonly result: TypeSyntax | null
}

export type TypeBodySyntax =
  | { readonly kind: 'alias'; readonly type: TypeSyntax }
  | { readonly kind: 'record'; readonly fields: readonly FieldSyntax[] }
  | { readonly kind: 'variant'; readonly cases: readonly CaseSyntax[] }
  | { readonly kind: 'enum' | 'flags'; readonly cases: readonly CaseSyntax[] }
  | { readonly kind: 'resource'; readonly functions: readonly FunctionSyntax[] }

export interface TypeDefSyntax {
  readonly name: string
  readonly docs: string
  readonly body: TypeBodySyntax
}

/** `ns:name/interface@version`, or an interface of the same package. */
export interface PathSyntax {
  /** `ns:name`, or null for the package the path stands in. */
  readonly package: string | null
  readonly version: string | null
  readonly name: string
}

export interface UseSyntax {
  readonly from: PathSyntax
  readonly names: readonly { readonly name: string; readonly as: string }[]
}

export interface InterfaceSyntax {
  readonly name: string
  readonly docs: string
  readonly uses: readonly UseSyntax[]
  readonly types: readonly TypeDefSyntax[]
  readonly functions: readonly FunctionSyntax[]
}

export type WorldItemSyntax =
  | { readonly kind: 'path'; readonly path: PathSyntax }
  | { readonly kind: 'interface'; readonly interface: InterfaceSyntax }
  | { readonly kind: 'function'; readonly function: FunctionSyntax }

export interface WorldSyntax {
  readonly name: string
  readonly docs: string
  readonly uses: readonly UseSyntax[]
  readonly types: readonly TypeDefSyntax[]
  readonly imports: readonly WorldItemSyntax[]
  readonly exports: readonly WorldItemSyntax[]
  readonly includes: readonly { readonly path: PathSyntax; readonly renames: ReadonlyMap<string, string> }[]
}

export interface PackageSyntax {
  /** `ns:name`. */
  readonly name: string
  readonly version: string | null
  readonly interfaces: ReadonlyMap<string, InterfaceSyntax>
  readonly worlds: ReadonlyMap<string, WorldSyntax>
  /** `use a:b/c as d;` at the top of a file: d stands for that path. */
  readonly aliases: ReadonlyMap<string, PathSyntax>
}
