/** `fdstat` and `filestat` in the guest's memory. */
import type { FileStat } from '../filesystem/index.ts'
import { filetypes, sizes } from './abi.ts'
import type { Descriptor } from './descriptors.ts'
import type { GuestMemory } from './memory.ts'

export function typeOf(descriptor: Descriptor): number {
  if (descriptor.kind === 'folder') return filetypes.directory
  if (descriptor.kind === 'file') return filetypes[descriptor.handle.type]
  return descriptor.isTerminal ? filetypes['character-device'] : filetypes.unknown
}

export function writeFdstat(memory: GuestMemory, pointer: number, descriptor: Descriptor): void {
  memory.bytes(pointer, sizes.fdstat).fill(0)
  memory.setU8(pointer, typeOf(descriptor))
  memory.setU16(pointer + 2, descriptor.flags)
  memory.setU64(pointer + 8, descriptor.rights)
  memory.setU64(pointer + 16, descriptor.inheriting)
}

export function writeFilestat(memory: GuestMemory, pointer: number, stat: FileStat): void {
  memory.bytes(pointer, sizes.filestat).fill(0)
  memory.setU64(pointer, stat.device)
  memory.setU64(pointer + 8, stat.inode)
  memory.setU8(pointer + 16, filetypes[stat.type])
  memory.setU64(pointer + 24, stat.links)
  memory.setU64(pointer + 32, stat.sizeBytes)
  memory.setU64(pointer + 40, stat.accessedNs)
  memory.setU64(pointer + 48, stat.modifiedNs)
  memory.setU64(pointer + 56, stat.changedNs)
}
