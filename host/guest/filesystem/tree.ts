/**
 * The files a guest may touch: its preopened folders, and how many descriptors it holds. The one layer under both
 * wasi:filesystem 0.2 and preview1.
 *
 * Everything is synchronous, as the guest's thread is: Node's own synchronous calls on the host's files.
 */
import type { HostLine } from '../line.ts'
import type { Preopen } from '../part.ts'
import { FileError, fileError } from './errno.ts'
import { FolderHandle } from './folder-handle.ts'
import { openFolder } from './folder.ts'
import { fileLimits } from './limits.ts'
import { ExactTimes } from './metadata.ts'
import { spaceOf } from './space.ts'
import type { TreeState } from './tree-state.ts'

export interface FileTreeOptions {
  readonly preopens: readonly Preopen[]
  /** To the node, which counts the space of those that are `counted`. */
  readonly line?: Pick<HostLine, 'call'>
  /** Takes what closes all that the guest left open, for when it is gone. */
  readonly atEnd?: ((close: () => void) => void) | undefined
  /** Milliseconds since the Unix epoch, for times set to the present. */
  readonly now?: () => number
  /** false walks by names and checks instead of by descriptors, as on systems without /proc. */
  readonly anchored?: boolean
}

export interface PreopenedFolder {
  readonly guestPath: string
  readonly folder: FolderHandle
}

export interface FileTree {
  /**
   * Opens the granted folders, anew each time: they are the guest's then, to close as it likes.
   * @throws FileError EMFILE; Error where one of them cannot be opened, which is no fault of the guest's
   */
  openPreopens(): PreopenedFolder[]
  /** Descriptors and directory streams that are open. */
  readonly held: number
}

/** Touches nothing on the disk yet. */
export function createFileTree(options: FileTreeOptions): FileTree {
  const { preopens, line, now = () => Date.now(), anchored } = options
  let held = 0
  const open = new Set<(isGuestGone: boolean) => void>()
  options.atEnd?.(() => {
    for (const close of open) {
      try {
        close(true)
      } catch {
        // The descriptor is gone all the same, and nobody is left to be told.
      }
    }
  })
  const state: Omit<TreeState, 'space'> = {
    times: new ExactTimes(),
    now,
    keep(close) {
      const once = (isGuestGone: boolean): void => {
        if (open.delete(once)) close(isGuestGone)
      }
      open.add(once)
      return () => once(false)
    },
    hold() {
      if (held >= fileLimits.descriptors) throw new FileError('EMFILE')
      held += 1
      let isHeld = true
      return () => {
        if (isHeld) held -= 1
        isHeld = false
      }
    },
  }
  return {
    openPreopens() {
      const opened: PreopenedFolder[] = []
      try {
        for (const preopen of preopens) {
          const space =
            preopen.counted === true && line !== undefined ? spaceOf(line, preopen.guestPath) : null
          opened.push(openPreopen(preopen, { ...state, space }, anchored))
        }
      } catch (error) {
        for (const { folder } of opened) folder.close()
        throw error
      }
      return opened
    },
    get held() {
      return held
    },
  }
}

function openPreopen(preopen: Preopen, state: TreeState, anchored?: boolean): PreopenedFolder {
  const { hostPath, guestPath, access } = preopen
  const release = state.hold()
  try {
    return {
      guestPath,
      folder: new FolderHandle(openFolder(hostPath, anchored), access === 'read-write', state, release),
    }
  } catch (error) {
    release()
    const { errno } = fileError(error)
    const message = `the folder ${hostPath}, given to the guest as ${guestPath}, cannot be opened (${errno})`
    throw new Error(message, { cause: error })
  }
}
