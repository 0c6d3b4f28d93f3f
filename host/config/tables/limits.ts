/** `[limits]`: what the node keeps in memory for its apps. */
import * as v from 'valibot'
import { bounded } from '../fields.ts'

export const limitsTable = v.strictObject({
  /** Events that wait for one app; the oldest is dropped beyond. 256 is 51 s of a 200 ms sensor. */
  queuedEvents: bounded(256, 1, 65_536),
  /** Lines of the apps' logs kept in memory, all apps together; about 2 MB when they are 200 characters long. */
  logLines: bounded(10_000, 100, 1_000_000),
  /** Lines one app may log in a second; a loop that logs must not push every other app's lines out. */
  logLinesPerSecond: bounded(500, 1, 100_000),
})
