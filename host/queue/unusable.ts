/**
 * Stands in for a queue that cannot be opened: its file is damaged, or from a newer version. Nothing can be put, so that
 * nothing is acknowledged that nobody keeps, and nothing is there to take; the file stays as it is for somebody to mend.
 */
import type { DurableQueue } from './contract.ts'

const nothing = async (): Promise<void> => {}
const none = async (): Promise<never[]> => []
const zero = async (): Promise<number> => 0

/** @param problem why it cannot be opened: what `put` throws */
export function unusableQueue(problem: Error): DurableQueue {
  return {
    put: () => Promise.reject(problem),
    take: none,
    done: nothing,
    drop: nothing,
    retry: nothing,
    release() {},
    hasten() {},
    bury: nothing,
    dead: none,
    peek: none,
    replay: zero,
    discard: zero,
    counts: () => ({ waiting: 0, taken: 0, dead: 0, bytes: 0, dropped: 0, duplicates: 0 }),
    lanes: () => [],
    onDue: () => () => {},
    close: nothing,
  }
}
