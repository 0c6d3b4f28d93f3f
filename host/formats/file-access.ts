/** A file that can be read anywhere, as archives and bundles are. */
import { open } from 'node:fs/promises'
import { messageOf } from '../../core/index.ts'
import { formatsProblems } from './problems.ts'
import type { RandomAccess } from './tar/reader.ts'

export interface OpenFile extends RandomAccess {
  close(): Promise<void>
}

/** @throws ERR_IMPORT_SOURCE where it cannot be opened, or is no file */
export async function openFile(path: string): Promise<OpenFile> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw formatsProblems.error('ERR_IMPORT_SOURCE', `${path} cannot be read: ${messageOf(cause)}`, { cause })
  })
  const facts = await handle.stat()
  if (!facts.isFile()) {
    await handle.close()
    throw formatsProblems.error('ERR_IMPORT_SOURCE', `${path} is no file`)
  }
  return {
    sizeBytes: facts.size,
    async read(at, length) {
      const bytes = new Uint8Array(length)
      let filled = 0
      while (filled < length) {
        const { bytesRead } = await handle.read(bytes, filled, length - filled, at + filled)
        if (bytesRead === 0) {
          throw formatsProblems.error('ERR_IMPORT_SOURCE', `${path} became shorter while it was read`)
        }
        filled += bytesRead
      }
      return bytes
    },
    close: () => handle.close(),
  }
}

/** Bytes in memory, as if they were a file. */
export function inMemory(bytes: Uint8Array): OpenFile {
  return {
    sizeBytes: bytes.length,
    read: async (at, length) => bytes.subarray(at, at + length),
    close: async () => {},
  }
}
