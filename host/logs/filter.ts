/** Which lines of a log somebody wants to see. */
import { logLevels } from '../../core/index.ts'
import type { KeptLine, LogFilter } from '../../mesh/index.ts'

export type Wants = (line: KeptLine) => boolean

/** @param nowMs the wall clock of the node that has the lines */
export function wantsOf({ sinceMs, level, text }: LogFilter, nowMs: number): Wants {
  const least = level === null ? 0 : logLevels.indexOf(level)
  const fromMs = sinceMs === null ? -Infinity : nowMs - sinceMs
  const sought = text?.toLowerCase() ?? ''
  return (line) =>
    line.time >= fromMs &&
    logLevels.indexOf(line.level) >= least &&
    (sought === '' || `${line.context} ${line.message}`.toLowerCase().includes(sought))
}
