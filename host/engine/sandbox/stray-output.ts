/** What the runtime in a sandbox prints by itself, which is no guest's doing: for the log, and not without end. */
import type { Log } from '../../../core/index.ts'

/** @param bytes at most, all together */
export function strayOutput(log: Log, bytes: number): (text: string) => void {
  let left = bytes
  return (text) => {
    if (left <= 0) return
    left -= text.length
    log.debug('sandbox:stray-output', { text: text.trimEnd() })
  }
}
