/** OCI image layouts (image-spec, image-layout.md), as a folder or as a tar of one. */
import { join } from 'node:path'
import { stat } from 'node:fs/promises'
import { openFile, type OpenFile } from '../file-access.ts'
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'
import { indexTar } from '../tar/reader.ts'
import type { ImageSource } from './artifact.ts'
import { checkLayoutFile, type Descriptor } from './documents.ts'

/** Files by their name in the layout; null where there is none. */
interface Files {
  read(name: string, maxBytes: number): Promise<Uint8Array | null>
  close(): Promise<void>
}

/**
 * @param path a folder with a file `oci-layout`, or a .tar of one
 * @throws ERR_OCI_LAYOUT, ERR_TAR, ERR_IMPORT_SOURCE
 */
export async function openLayout(path: string): Promise<ImageSource> {
  const facts = await stat(path).catch(() => null)
  const files = facts?.isDirectory() === true ? folderFiles(path) : await tarFiles(await openFile(path), path)
  try {
    checkLayoutFile(required(await files.read('oci-layout', formatLimits.configBytes), 'oci-layout', path))
  } catch (error) {
    await files.close()
    throw error
  }
  const blob = async ({ digest, size }: Descriptor): Promise<Uint8Array> => {
    const name = `blobs/${digest.replace(':', '/')}`
    return required(await files.read(name, size), name, path)
  }
  return {
    name: path,
    root: async () =>
      required(await files.read('index.json', formatLimits.manifestBytes), 'index.json', path),
    manifest: blob,
    blob,
    close: () => files.close(),
  }
}

function required(bytes: Uint8Array | null, name: string, path: string): Uint8Array {
  if (bytes !== null) return bytes
  throw formatsProblems.error('ERR_OCI_LAYOUT', `${path} has no file ${name}`)
}

/** Names come from us and from digests that were checked, so none leads out of the folder. */
function folderFiles(folder: string): Files {
  return {
    async read(name, maxBytes) {
      const path = join(folder, name)
      if (
        !(await stat(path).then(
          (facts) => facts.isFile(),
          () => false,
        ))
      )
        return null
      const file = await openFile(path)
      try {
        return await whole(file, name, folder, maxBytes)
      } finally {
        await file.close()
      }
    },
    close: async () => {},
  }
}

async function tarFiles(archive: OpenFile, path: string): Promise<Files> {
  try {
    const entries = await indexTar(archive)
    return {
      async read(name, maxBytes) {
        const entry = entries.get(name)
        if (entry === undefined) return null
        const { at, sizeBytes } = entry
        return whole({ sizeBytes, read: (_, length) => archive.read(at, length) }, name, path, maxBytes)
      },
      close: () => archive.close(),
    }
  } catch (error) {
    await archive.close()
    throw error
  }
}

async function whole(
  file: Pick<OpenFile, 'sizeBytes' | 'read'>,
  name: string,
  path: string,
  maxBytes: number,
): Promise<Uint8Array> {
  if (file.sizeBytes > maxBytes) {
    throw formatsProblems.error(
      'ERR_FORMAT_DIGEST',
      `${name} in ${path} has ${file.sizeBytes} bytes where ${maxBytes} are the most there may be`,
    )
  }
  return file.read(0, file.sizeBytes)
}
