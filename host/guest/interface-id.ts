/**
 * Names of WIT interfaces and when one version stands for another.
 *
 * A guest built against an older patch of the same line links with what the node offers (semantic versioning:
 * `0.2.3` with `0.2.12`, never the other way round, as a later patch may add functions). Pre-releases match
 * only themselves.
 */

export interface ParsedInterface {
  /** Without the version: `wasi:io/streams`. */
  readonly path: string
  /** Empty where the name carries none. */
  readonly version: string
}

export function parseInterface(id: string): ParsedInterface {
  const at = id.lastIndexOf('@')
  return at < 0 ? { path: id, version: '' } : { path: id.slice(0, at), version: id.slice(at + 1) }
}

/** True where a guest that asks for `wanted` may be given `had`. */
export function satisfies(had: string, wanted: string): boolean {
  const left = parseInterface(had)
  const right = parseInterface(wanted)
  return left.path === right.path && versionSatisfies(left.version, right.version)
}

/** For exports the guest is the one who offers, and a patch either way changes nothing that a trigger calls. */
export function satisfiesExport(exported: string, wanted: string): boolean {
  return satisfies(exported, wanted) || satisfies(wanted, exported)
}

function versionSatisfies(had: string, wanted: string): boolean {
  if (had === wanted) return true
  const left = release(had)
  const right = release(wanted)
  if (left === null || right === null || left[0] !== right[0]) return false
  if (left[0] > 0) return left[1] > right[1] || (left[1] === right[1] && left[2] >= right[2])
  return left[1] > 0 && left[1] === right[1] && left[2] >= right[2]
}

function release(version: string): [number, number, number] | null {
  const match = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})(\+.*)?$/.exec(version)
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3])]
}

/** WIT's kebab-case as jco spells it in JavaScript: `get-all` is `getAll`. */
export function camelCase(name: string): string {
  return name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
