/** `[messages]`: what is kept of messages on their way to other nodes, and of those that wait for an app here. */
import * as v from 'valibot'
import { durationField } from '../../toml/index.ts'
import { bounded, size } from '../fields.ts'

export const messagesTable = v.strictObject({
  /** Most that each of the two journals takes of the disk, and how many messages. */
  size: size(64 * 2 ** 20),
  items: bounded(50_000, 100, 1_000_000),
  /** Whoever publishes is told so, or the oldest message makes room: then it is counted, and gone. */
  'when-full': v.optional(
    v.picklist(['refuse', 'drop-oldest'], 'is no choice; write "refuse" or "drop-oldest"'),
    'refuse',
  ),
  /** So long a message waits for a node that is away, where the release does not say; counted while this node runs. */
  keep: v.optional(durationField('1min', '8760h'), '7d'),
})
