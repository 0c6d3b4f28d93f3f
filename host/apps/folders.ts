/** From the folders that the node's owner named to those that one app sees. A grant gives a name, never a path. */
import { grantedNames } from '../interfaces/index.ts'
import type { Preopen } from '../guest/index.ts'

export interface NodeFolder {
  /** Absolute, on the node's disk. Opened whenever an instance starts. */
  readonly path: string
  readonly access: Preopen['access']
  /** Most bytes, and files, folders and links, that may be in it while apps write to it; without it any number. */
  readonly size?: number
  readonly files?: number
}

/** By logical name. */
export type NodeFolders = Readonly<Record<string, NodeFolder>>

/** `folder:photos` becomes the preopen `/photos`; what this node does not have is left out, and `judge` waits for it. */
export function preopensOf(grants: readonly string[], folders: NodeFolders): Preopen[] {
  const names = grantedNames(grants, 'folder')
  return Object.entries(folders)
    .filter(([name]) => names.includes(name))
    .map(([name, { path, access }]) => ({
      hostPath: path,
      guestPath: `/${name}`,
      access,
      ...(access === 'read-write' && { counted: true }),
    }))
}

/** Names of the folders that a release may write to on this node. */
export function writableFolders(grants: readonly string[], folders: NodeFolders): string[] {
  return grantedNames(grants, 'folder').filter((name) => folders[name]?.access === 'read-write')
}
