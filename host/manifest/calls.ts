/** `[calls]`: from how far an app may be called, and what may be done with a call that failed. */
import * as v from 'valibot'
import type { CallPolicy } from '../../mesh/index.ts'

const sticky = v.pipe(
  v.string(),
  v.regex(
    /^(header|cookie):[A-Za-z0-9_-]{1,64}$/,
    'is no key; write "header:NAME" or "cookie:NAME", for example "cookie:session"',
  ),
)

export const callsField = v.optional(
  v.strictObject({
    /** From its own node, from its node's groups, or from anywhere. */
    scope: v.optional(v.picklist(['node', 'group', 'mesh'])),
    /** What may have begun may be made again elsewhere; GET and its like may without this. */
    idempotent: v.optional(v.boolean()),
    /** Requests with one value of it stay with one node. */
    sticky: v.optional(sticky),
  }),
  {},
)

/** Only what was said: a record names no defaults. */
export function callsOf(written: CallPolicy): CallPolicy {
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined))
}
