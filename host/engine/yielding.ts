/**
 * Makes a process give way to all others: to those that want the processor or the disk, and when memory runs out. All of
 * it by best effort, as each may be forbidden or unknown here.
 */
import { writeFile } from 'node:fs'
import { setPriority } from 'node:os'

/** Niceness: a third of what others get of a busy processor. Somebody waits for the release, so it is not starved. */
const low = 5
/** Of a thousand: what the kernel ends first, before the node and its apps, where memory runs out. */
const endFirst = '700'

export function yieldToOthers(pid: number): void {
  try {
    // Linux derives the priority at the disk from it where nobody set one (ioprio_set(2)).
    setPriority(pid, low)
  } catch {
    // It may be gone already, and Windows may say no.
  }
  writeFile(`/proc/${pid}/oom_score_adj`, endFirst, () => {})
}
