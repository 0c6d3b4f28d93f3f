/** Lends an app's buckets to other threads, and takes them back: the node's end of what the storage thread serves. */
import { sharedEntriesMemory, sharedLineMemory } from '../../../core/index.ts'
import type { SharedBucket } from '../contract.ts'
import { sharedMethods } from './lent-buckets.ts'
import type { GivenBack, Lent } from './protocol.ts'
import type { StorageThread } from './thread.ts'

export interface LendingNeeds {
  readonly thread: StorageThread
  /** Asks the thread, with the file open. @throws SelvedgeError */
  ask(method: 'share' | 'unshare', args: Lent | GivenBack): Promise<unknown>
}

/** Of one bucket in one life of the thread. */
interface LentEntries {
  readonly generation: number
  readonly memory: Int32Array
  lines: number
}

/** Each takes half a megabyte at most. Further buckets are used by way of the node's own thread, as all were. */
const maxKeptBuckets = 16

export class Lending {
  readonly #needs: LendingNeeds
  readonly #entries = new Map<string, LentEntries>()

  constructor(needs: LendingNeeds) {
    this.#needs = needs
  }

  /** Once the file is open. @returns null where too much is lent, or the borrower is gone @throws SelvedgeError */
  async lend(bucket: string, gone: AbortSignal): Promise<SharedBucket | null> {
    const { thread } = this.#needs
    const entries = this.#entriesOf(bucket)
    if (gone.aborted || entries === null) return null
    const line = sharedLineMemory()
    const n = thread.lend(line, entries.memory)
    if (n === null) return null
    entries.lines += 1
    const back = (): void => this.#takeBack(n, bucket, entries)
    try {
      const isKept = await this.#needs.ask('share', { n, bucket, line, entries: entries.memory })
      if (gone.aborted) back()
      else gone.addEventListener('abort', back, { once: true })
      return {
        line,
        methods: sharedMethods,
        bell: thread.bell,
        entries: isKept === true ? entries.memory : null,
      }
    } catch (error) {
      back()
      throw error
    }
  }

  #entriesOf(bucket: string): LentEntries | null {
    const { generation } = this.#needs.thread
    const present = this.#entries.get(bucket)
    if (present?.generation === generation) return present
    if (present === undefined && this.#entries.size >= maxKeptBuckets) return null
    const made = { generation, memory: sharedEntriesMemory(), lines: 0 }
    this.#entries.set(bucket, made)
    return made
  }

  #takeBack(n: number, bucket: string, entries: LentEntries): void {
    const { thread, ask } = this.#needs
    thread.takeBack(n)
    entries.lines -= 1
    const isLast = entries.lines === 0
    if (isLast && this.#entries.get(bucket) === entries) this.#entries.delete(bucket)
    // Another thread knows nothing of it; one that is gone has nothing to give back.
    if (entries.generation === thread.generation) ask('unshare', { n, bucket, isLast }).catch(() => {})
  }
}
