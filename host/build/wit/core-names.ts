/**
 * What a function or resource of WIT is called in a core module (BuildTargets.md of the Component Model, wasm32):
 * `cm32p2|wasi:io/streams@0.2` and `[method]input-stream.read`.
 */
import type { Interface, TypeDef, WitFunction } from './model.ts'

export const memoryExport = 'cm32p2_memory'
export const reallocExport = 'cm32p2_realloc'

export interface CoreImport {
  readonly module: string
  readonly name: string
}

export function functionName(fn: WitFunction, resource: TypeDef | null): string {
  if (resource === null) return fn.name
  if (fn.kind === 'constructor') return `[constructor]${resource.name}`
  return `[${fn.kind}]${resource.name}.${fn.name}`
}

export function importOf(owner: Interface, name: string): CoreImport {
  return { module: owner.id === '' ? 'cm32p2' : `cm32p2|${mangled(owner.id)}`, name }
}

/** `new`, `rep` and `drop` of a resource that this component defines. */
export function exportIntrinsic(resource: TypeDef, action: 'new' | 'rep' | 'drop'): CoreImport {
  return { module: `cm32p2|_ex_${mangled(resource.owner.id)}`, name: `${resource.name}_${action}` }
}

export function exportOf(owner: Interface, name: string): string {
  return `cm32p2|${mangled(owner.id)}|${name}`
}

/** With as much of the version as must match: `@1`, `@0.2`, `@0.0.7`, and all of a prerelease. */
function mangled(id: string): string {
  const [path, version] = id.split('@')
  if (version === undefined) return id
  const numbers = /^(\d+)\.(\d+)\.(\d+)(-[^+]*)?/.exec(version)
  const [all, major, minor, , prerelease] = numbers ?? [version]
  if (numbers === null || prerelease !== undefined) return `${path}@${all}`
  if (major !== '0') return `${path}@${major}`
  return minor === '0' ? `${path}@${all}` : `${path}@0.${minor}`
}
