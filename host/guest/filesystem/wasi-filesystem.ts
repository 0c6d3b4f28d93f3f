/** wasi:filesystem 0.2, the part of a sandbox: the granted folders, and what is done with them. */
import type { GuestImports, PartContext, PartKind } from '../part.ts'
import { Descriptor, DirectoryEntryStream } from './descriptor.ts'
import { isFileErrorCode } from './errno.ts'
import { createFileTree, type FileTree } from './tree.ts'

export const filesystemPart: PartKind = {
  name: 'wasi:filesystem',
  create: (context) => ({
    imports: createFilesystem(
      createFileTree({ preopens: context.settings.preopens, line: context.line, atEnd: context.atEnd }),
      context,
    ),
  }),
}

/** @returns `wasi:filesystem/types` and `wasi:filesystem/preopens` over a tree */
export function createFilesystem(
  tree: Pick<FileTree, 'openPreopens'>,
  { io, hold }: Pick<PartContext, 'io' | 'hold'>,
): GuestImports {
  const needs = { io, hold }
  return {
    'wasi:filesystem/preopens': {
      getDirectories: () =>
        tree.openPreopens().map(({ guestPath, folder }) => [Descriptor.of(folder, needs), guestPath]),
    },
    'wasi:filesystem/types': {
      Descriptor,
      DirectoryEntryStream,
      filesystemErrorCode(error: unknown) {
        const code = io.failureOf(error)
        return isFileErrorCode(code) ? code : undefined
      },
    },
  }
}
