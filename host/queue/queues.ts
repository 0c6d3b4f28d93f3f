/** The open queues of a node by name, each opened once. */
import type { Clock } from '../../core/index.ts'
import type { DurableQueue, QueueLimits, Queues } from './contract.ts'
import type { QueueFile } from './file.ts'
import { queueProblems } from './problems.ts'
import { FileQueue } from './queue.ts'

/** Where queues are kept. */
export interface QueueFiles {
  open(name: string): Promise<QueueFile>
  remove(name: string): Promise<void>
}

/** It is a file's name too. */
const namePattern = /^[a-z0-9][a-z0-9.-]{0,120}$/

export class QueuesByName implements Queues {
  readonly #clock: Clock
  readonly #files: QueueFiles
  readonly #open = new Map<string, Promise<FileQueue>>()
  #isClosed = false

  constructor(clock: Clock, files: QueueFiles) {
    this.#clock = clock
    this.#files = files
  }

  async open(name: string, limits: QueueLimits): Promise<DurableQueue> {
    if (this.#isClosed) throw queueProblems.error('ERR_QUEUE_CLOSED', 'the queues of this node are closed')
    if (!namePattern.test(name)) {
      throw queueProblems.error(
        'ERR_QUEUE_NAME',
        `${JSON.stringify(name.slice(0, 80))} is no name of a queue`,
      )
    }
    const present = this.#open.get(name)
    if (present !== undefined && !(await present).isClosed) return present
    const opening = this.#openAnew(name, limits)
    this.#open.set(name, opening)
    opening.catch(() => this.#open.delete(name))
    return opening
  }

  async remove(name: string): Promise<void> {
    const queue = await this.#open.get(name)?.catch(() => null)
    this.#open.delete(name)
    await queue?.close()
    await this.#files.remove(name)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const queues = await Promise.allSettled(this.#open.values())
    // One that cannot be closed must not keep the others open; what it had acknowledged is on the disk.
    await Promise.allSettled(queues.map((queue) => queue.status === 'fulfilled' && queue.value.close()))
  }

  async #openAnew(name: string, limits: QueueLimits): Promise<FileQueue> {
    const file = await this.#files.open(name)
    try {
      return await FileQueue.open({ file, limits, clock: this.#clock })
    } catch (error) {
      await file.close().catch(() => {})
      throw error
    }
  }
}
