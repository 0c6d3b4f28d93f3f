/** `[limits]`: how much memory the node and its apps may take, and what is kept in it for the apps. */
import * as v from 'valibot'
import { budgetFault } from '../../budget/index.ts'
import { sizeField } from '../../toml/index.ts'
import { bounded } from '../fields.ts'

const budget = v.pipe(
  sizeField('0 B', '8192 GiB'),
  v.check(
    (bytes: number) => budgetFault(bytes) === null,
    ({ input }) => budgetFault(input) ?? '',
  ),
)

export const limitsTable = v.strictObject({
  /** All that the node and its apps may take of the machine's memory; `auto` is half of what there is. */
  memory: v.optional(v.union([v.literal('auto'), budget]), 'auto'),
  /** Events that wait for one app; the oldest is dropped beyond. 256 is 51 s of a 200 ms sensor. */
  queuedEvents: bounded(256, 1, 65_536),
  /** Lines of the apps' logs kept in memory, all apps together; about 2 MB when they are 200 characters long. */
  logLines: bounded(10_000, 100, 1_000_000),
  /** Lines one app may log in a second; a loop that logs must not push every other app's lines out. */
  logLinesPerSecond: bounded(500, 1, 100_000),
})
