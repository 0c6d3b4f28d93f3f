/** wasi:filesystem 0.3 over the guest's file tree. */
import { createFileTree } from '../../filesystem/index.ts'
import type { PartContext } from '../../part.ts'
import type { Waiting } from '../world.ts'
import type { P3Imports } from '../world.ts'
import { Descriptor, type FilesWorld } from './descriptor.ts'

export function createFilesystem({ settings, hold, line, atEnd }: PartContext, waiting: Waiting): P3Imports {
  const world: FilesWorld = { waiting, hold }
  const tree = createFileTree({ preopens: settings.preopens, line, atEnd })
  return {
    'wasi:filesystem/types@0.3': { Descriptor },
    'wasi:filesystem/preopens@0.3': {
      getDirectories: () =>
        tree.openPreopens().map(({ folder, guestPath }) => [Descriptor.of(folder, world), guestPath]),
    },
  }
}
