/** A folder whose machine loses power at the n-th write: just before it reaches the disk, or just after. */
import type { DurableFolder } from '../../../core/index.ts'

export function powerCut(folder: DurableFolder, atWrite: number, when: 'before' | 'after'): DurableFolder {
  let writes = 0
  return {
    ...folder,
    async write(name, bytes) {
      const cut = writes++ === atWrite
      if (!cut || when === 'after') await folder.write(name, bytes)
      if (cut) throw new Error('power cut')
    },
  }
}
