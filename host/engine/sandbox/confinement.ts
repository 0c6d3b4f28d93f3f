/** What keeps a sandbox's process from the machine around it, as far as this Node.js and this user can. */
import type { ConfinementKind } from '../contract.ts'
import type { Preopen } from '../../guest/index.ts'
import { isReadableByOthers } from '../../readable-by-others.ts'

export interface Confinement {
  /** For `status`. */
  readonly kind: ConfinementKind
  readonly flags: readonly string[]
  readonly user: { readonly uid: number; readonly gid: number } | Record<string, never>
}

/** `nobody` and `nogroup` on every Linux we know. */
const nobody = 65_534

/**
 * Node 24 has the permission model for good, 20 and 22 behind an experimental flag, 18 not at all. As root the other
 * user comes on top of it nowhere: the process could not read its own program in a private folder.
 */
export function confinement(
  version: string = process.versions.node,
  uid: number | null = process.getuid?.() ?? null,
): Confinement {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > 23 || (major === 23 && minor >= 5))
    return { kind: 'permission-model', flags: ['--permission'], user: {} }
  if (major >= 20)
    return {
      kind: 'permission-model',
      flags: ['--experimental-permission', '--no-warnings'],
      user: {},
    }
  if (uid === 0) return { kind: 'other-user', flags: [], user: { uid: nobody, gid: nobody } }
  return { kind: 'none', flags: [], user: {} }
}

/** For one program with its granted folders: another user could reach neither those, nor a program in a private folder. */
export function confinementFor(entry: string, preopens: readonly Preopen[]): Confinement {
  const mayChangeUser = preopens.length === 0 && isReadableByOthers(entry)
  return confinement(process.versions.node, mayChangeUser ? undefined : null)
}

/**
 * Flags that let the process read its program and reach its granted folders. Node 20 aborts when a folder is given
 * both with and without `*`; one form covers a folder and what is in it.
 */
export function flagsOf(
  { kind, flags }: Confinement,
  files: readonly string[],
  preopens: readonly Preopen[],
): string[] {
  if (kind !== 'permission-model') return [...flags]
  const read = new Set([...files, ...preopens.map(({ hostPath }) => within(hostPath))])
  const write = new Set(
    preopens.filter(({ access }) => access === 'read-write').map(({ hostPath }) => within(hostPath)),
  )
  return [
    ...flags,
    ...[...read].map((path) => `--allow-fs-read=${path}`),
    ...[...write].map((path) => `--allow-fs-write=${path}`),
  ]
}

function within(folder: string): string {
  return folder.endsWith('/') ? `${folder}*` : `${folder}/*`
}
