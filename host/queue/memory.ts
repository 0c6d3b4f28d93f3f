/** Queues that are gone with the process: for `selvedge run`, and for tests. */
import type { Clock } from '../../core/index.ts'
import type { Queues } from './contract.ts'
import { MemoryQueueFile } from './file.ts'
import { QueuesByName } from './queues.ts'

/** What was in a queue is there again when it is opened again. */
export function memoryQueues(clock: Clock): Queues {
  const files = new Map<string, MemoryQueueFile>()
  return new QueuesByName(clock, {
    open: async (name) => {
      const file = files.get(name) ?? new MemoryQueueFile()
      files.set(name, file)
      return file
    },
    remove: async (name) => void files.delete(name),
  })
}
