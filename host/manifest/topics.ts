/** `[topics.NAME]`: how far messages of a topic go, and how long they wait for a node that is away. */
import * as v from 'valibot'
import { topicPattern, topicRule } from '../../core/index.ts'
import type { ReleaseRecord } from '../../mesh/index.ts'
import { durationField } from '../toml/index.ts'

/** That of the signed record. */
const maxTopics = 64

export const topicName = v.pipe(v.string(), v.regex(topicPattern, `is no topic; ${topicRule}`))

export const topicsField = v.optional(
  v.pipe(
    v.record(
      topicName,
      v.strictObject({
        /** Apps of the same node, of its groups, of the whole mesh. */
        scope: v.picklist(['node', 'group', 'mesh'], 'is no scope; write "node", "group" or "mesh"'),
        keep: v.optional(durationField('1min', '8760h')),
      }),
    ),
    v.check(
      (topics) => Object.keys(topics).length <= maxTopics,
      `has more than ${maxTopics} entries; remove some`,
    ),
  ),
  {},
)

/** Only what was said: a record names no defaults. */
export function topicsOf(written: v.InferOutput<typeof topicsField>): NonNullable<ReleaseRecord['topics']> {
  return Object.fromEntries(
    Object.entries(written).map(([name, { scope, keep }]) => [
      name,
      { scope, ...(keep !== undefined && { keepMs: keep }) },
    ]),
  )
}
