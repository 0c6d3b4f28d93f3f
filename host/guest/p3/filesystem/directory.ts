/** `read-directory` of wasi:filesystem 0.3: the entries of a folder as a stream, read as the guest takes them. */
import { FileError, type DirectoryPages, type FileType, type FolderHandle } from '../../filesystem/index.ts'
import { okay, type WitResult } from '../streams.ts'
import { variantOf, type FileCode } from './error-code.ts'

type Done = WitResult<undefined, FileCode>

/** @returns the stream, and the future that tells how it ended: well also where the guest drops it */
export function entriesOf(
  folder: FolderHandle,
  typeOf: (type: FileType) => unknown,
): [AsyncIterable<unknown>, Promise<Done>] {
  let settle!: (result: Done) => void
  const ended = new Promise<Done>((resolve) => {
    settle = resolve
  })
  let pages: DirectoryPages | null = null
  let position = 0
  const end = (result: Done): IteratorResult<unknown, undefined> => {
    pages?.close()
    settle(result)
    return { done: true, value: undefined }
  }
  try {
    // At once: the guest may drop its descriptor before it reads.
    pages = folder.entries()
  } catch (error) {
    if (!(error instanceof FileError)) throw error
    settle({ tag: 'err', val: variantOf(error.code) })
  }
  const next = (): IteratorResult<unknown, undefined> => {
    try {
      const entry = pages?.at(position)
      if (entry === undefined) return end(okay)
      position += 1
      return { done: false, value: { type: typeOf(entry.type), name: entry.name } }
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      return end({ tag: 'err', val: variantOf(error.code) })
    }
  }
  const iterator: AsyncIterator<unknown> = {
    next: () => Promise.resolve(next()),
    return: () => Promise.resolve(end(okay)),
  }
  return [{ [Symbol.asyncIterator]: () => iterator }, ended]
}
