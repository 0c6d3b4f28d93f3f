/** A folder for a guest inside a folder that is not the guest's, and a tree over it. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createFileTree,
  FileError,
  type FileTree,
  type FolderHandle,
} from '../../../../host/guest/filesystem/index.ts'

export interface Ground {
  /** What the guest was given. */
  readonly root: string
  /** Beside it, with `secret` in it. */
  readonly outside: string
  readonly tree: FileTree
  readonly folder: FolderHandle
  remove(): void
}

export interface GroundOptions {
  readonly access?: 'read' | 'read-write'
  /** false: walks by names, as on systems without /proc. */
  readonly anchored?: boolean
  readonly now?: () => number
}

export const secret = 'nothing of the guest'

export function ground({ access = 'read-write', ...options }: GroundOptions = {}): Ground {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'selvedge-files-')))
  const root = join(base, 'root')
  const outside = join(base, 'outside')
  mkdirSync(root)
  mkdirSync(outside)
  writeFileSync(join(outside, 'secret'), secret)
  const tree = createFileTree({ preopens: [{ hostPath: root, guestPath: '/data', access }], ...options })
  const folder = tree.openPreopens()[0]!.folder
  return {
    root,
    outside,
    tree,
    folder,
    remove() {
      folder.close()
      rmSync(base, { recursive: true, force: true })
    },
  }
}

export const reading = {
  follow: true,
  create: false,
  directory: false,
  exclusive: false,
  truncate: false,
  read: true,
  write: false,
  sync: 'none',
} as const
export const writing = { ...reading, write: true } as const
export const creating = { ...writing, create: true } as const

/** The errno that it fails with, or `ok`. */
export function outcome(run: () => unknown): string {
  try {
    run()
    return 'ok'
  } catch (error) {
    if (error instanceof FileError) return error.errno
    throw error
  }
}
