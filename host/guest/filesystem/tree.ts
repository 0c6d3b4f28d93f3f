/**
 * The files a guest may touch: its preopened folders, and how many descriptors it holds. The one layer under both
 * wasi:filesystem 0.2 and preview1.
 *
 * Everything is synchronous, as the guest's thread is: Node's own synchronous calls on the host's files.
 */
import { systemClock } from '../../../core/index.ts'
import type { Preopen } from '../part.ts'
import { FileError } from './errno.ts'
import { FolderHandle } from './folder-handle.ts'
import { openFolder } from './folder.ts'
import { fileLimits } from './limits.ts'
import { ExactTimes } from './metadata.ts'

export interface FileTreeOptions {
  readonly preopens: readonly Preopen[]
  /** Milliseconds since the Unix epoch, for times set to the present. */
  readonly now?: () => number
  /** false walks by names and checks instead of by descriptors, as on systems without /proc. */
  readonly anchored?: boolean
}

export interface PreopenedFolder {
  readonly guestPath: string
  readonly folder: FolderHandle
}

/** What the handles of one guest share. */
export interface TreeState {
  readonly times: ExactTimes
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Counts one more descriptor. @returns what gives it back, once. @throws FileError EMFILE */
  hold(): () => void
}

export interface FileTree {
  /** Opened once; a preview1 guest may close them, so ask for them once. */
  readonly preopens: readonly PreopenedFolder[]
  /** Descriptors and directory streams that are open. */
  readonly held: number
  /** Closes what is still open of the preopens. */
  close(): void
}

/** @throws FileError where a preopen is not a folder, or cannot be opened */
export function openFileTree({
  preopens,
  now = () => systemClock.now(),
  anchored,
}: FileTreeOptions): FileTree {
  let held = 0
  const state: TreeState = {
    times: new ExactTimes(),
    now,
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
  const opened: PreopenedFolder[] = []
  const close = (): void => {
    for (const { folder } of opened) folder.close()
  }
  try {
    for (const { hostPath, guestPath, access } of preopens) {
      const folder = new FolderHandle(openFolder(hostPath, anchored), access === 'read-write', state)
      opened.push({ guestPath, folder })
    }
  } catch (error) {
    close()
    throw error
  }
  return {
    preopens: opened,
    get held() {
      return held
    },
    close,
  }
}
