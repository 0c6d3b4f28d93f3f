/** Queues on this node's disk: one SQLite file each, `NAME.sqlite`. Nothing is opened or made before a queue is. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, DurableFolder } from '../../core/index.ts'
import type { Queues } from './contract.ts'
import type { QueueFile } from './file.ts'
import { QueuesByName } from './queues.ts'
import { QueueThread } from './sqlite/thread.ts'

/** @param folder of nothing else */
export function diskQueues(folder: DurableFolder, clock: Clock, thread = new QueueThread()): Queues {
  const pathOf = (name: string): string => join(folder.path, `${name}.sqlite`)
  const queues = new QueuesByName(clock, {
    open: async (name) => fileOn(thread, pathOf(name)),
    async remove(name) {
      const path = pathOf(name)
      for (const file of [path, `${path}-journal`]) await rm(file, { force: true })
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

function fileOn(thread: QueueThread, path: string): QueueFile {
  return {
    load: () => thread.request(path, 'open'),
    commit: (changes) => thread.request(path, 'commit', changes),
    bodies: (ids) => thread.request(path, 'bodies', ids),
    close: () => thread.request(path, 'close'),
  }
}
