/** A folder on a disk that fails now and then: before anything happened, or after it happened without saying so. */
import type { DurableFolder } from '../../core/index.ts'
import type { SeededRandom } from '../sim/index.ts'

export interface Disk {
  readonly folder: DurableFolder
  /** Chance of a failure at each call; 0 heals the disk. */
  faults: number
}

export function faultyDisk(on: DurableFolder, random: SeededRandom): Disk {
  const disk: Disk = { folder: wrap(on), faults: 0 }
  const perhaps = (): void => {
    if (random.chance(disk.faults)) throw new Error('EIO')
  }
  function wrap(folder: DurableFolder): DurableFolder {
    const around = async <T>(work: () => Promise<T>): Promise<T> => {
      perhaps()
      const result = await work()
      perhaps()
      return result
    }
    return {
      path: folder.path,
      read: (name, maxBytes) => around(() => folder.read(name, maxBytes)),
      write: (name, bytes) => around(() => folder.write(name, bytes)),
      remove: (name) => around(() => folder.remove(name)),
      list: () => around(() => folder.list()),
      sizes: () => around(() => folder.sizes()),
      folder: async (name) => wrap(await folder.folder(name)),
    }
  }
  return disk
}
