/**
 * fd_readdir: as many entries as fit, the last one cut off where it does not. A cookie is an entry's position, with
 * `.` and `..` before the others.
 */
import { FileError, type DirectoryPages } from '../filesystem/index.ts'
import { filetypes, sizes } from './abi.ts'
import type { FolderDescriptor } from './descriptors.ts'
import type { GuestMemory } from './memory.ts'

const own = ['.', '..']
/** Positions beyond are beyond every folder, and beyond a JavaScript integer. */
const maxCookie = BigInt(Number.MAX_SAFE_INTEGER)

/** @returns bytes used; less than the length at the folder's end */
export function readDirectory(
  memory: GuestMemory,
  descriptor: FolderDescriptor,
  pointer: number,
  length: number,
  cookie: bigint,
): number {
  const target = memory.bytes(pointer, length)
  if (cookie > maxCookie) throw new FileError('EINVAL')
  const pages = (descriptor.pages ??= descriptor.handle.entries())
  let used = 0
  for (let position = Number(cookie); used < length; position += 1) {
    const entry = encode(descriptor, pages, position)
    if (entry === null) break
    const piece = entry.subarray(0, length - used)
    target.set(piece, used)
    used += piece.length
  }
  return used
}

/** null beyond the last. */
function encode(descriptor: FolderDescriptor, pages: DirectoryPages, position: number): Uint8Array | null {
  const found = position < own.length ? ownEntry(position) : pages.at(position - own.length)
  if (found === undefined) return null
  const name = new TextEncoder().encode(found.name)
  const bytes = new Uint8Array(sizes.direntHead + name.length)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, BigInt(position + 1), true)
  view.setBigUint64(8, inodeOf(descriptor, found.name), true)
  view.setUint32(16, name.length, true)
  view.setUint8(20, filetypes[found.type])
  bytes.set(name, sizes.direntHead)
  return bytes
}

function ownEntry(position: number): { readonly name: string; readonly type: 'directory' } {
  return { name: own[position] ?? '.', type: 'directory' }
}

/** 0, which says nothing, for an entry that has gone meanwhile, and for what is above. */
function inodeOf({ handle }: FolderDescriptor, name: string): bigint {
  if (name === '..') return 0n
  try {
    return handle.statAt(name, false).inode
  } catch (error) {
    if (error instanceof FileError) return 0n
    throw error
  }
}
