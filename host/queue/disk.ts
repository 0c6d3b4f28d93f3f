/** Queues on this node's disk: one SQLite file each, `NAME.sqlite`. Nothing is opened or made before a queue is. */
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, DurableFolder } from '../../core/index.ts'
import type { Queues } from './contract.ts'
import type { QueueContents, QueueFile } from './file.ts'
import { QueuesByName } from './queues.ts'
import { QueueThread } from './sqlite/thread.ts'

/** @param folder of nothing else */
export function diskQueues(folder: DurableFolder, clock: Clock, thread = new QueueThread()): Queues {
  const pathOf = (name: string): string => join(folder.path, `${name}.sqlite`)
  const queues = new QueuesByName(clock, {
    open: async (name) => fileOn(thread, pathOf(name)),
    async remove(name) {
      const path = pathOf(name)
      for (const end of ['', '-wal', '-journal']) await rm(`${path}${end}`, { force: true })
      await rm(`${path}.lock`, { recursive: true, force: true })
    },
  })
  return {
    open: (name, limits) => queues.open(name, limits),
    remove: (name) => queues.remove(name),
    async close() {
      await queues.close()
      await thread.close()
    },
  }
}

/**
 * A file that is not there holds nothing: neither it nor the thread is made before something is put into it. A thread with
 * SQLite takes more memory than the rest of an idle node.
 */
function fileOn(thread: QueueThread, path: string): QueueFile {
  let opening: Promise<QueueContents> | null = null
  const open = (): Promise<QueueContents> => {
    opening ??= thread.request(path, 'open').catch((error: unknown) => {
      opening = null
      throw error
    })
    return opening
  }
  return {
    load: async () => ((await isThere(path)) ? open() : { rows: [], lastId: 0, seen: [] }),
    async commit(changes) {
      await open()
      await thread.request(path, 'commit', changes)
    },
    async bodies(ids) {
      await open()
      return thread.request(path, 'bodies', ids)
    },
    async close() {
      if (opening !== null) await thread.request(path, 'close')
      opening = null
    },
  }
}

/** Anything but its absence is SQLite's to judge. */
function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
}
