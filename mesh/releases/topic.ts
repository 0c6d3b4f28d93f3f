/** What releases say of topics. Their names are the whole mesh's, so that apps of several publishers may share one. */

/** How far a message of a topic goes: to apps of its own node, of its node's groups, of the whole mesh. */
export type TopicScope = 'node' | 'group' | 'mesh'

/** From the nearest to the widest. */
export const topicScopes: readonly TopicScope[] = ['node', 'group', 'mesh']

/** What a release says of a topic that it publishes or hears. */
export interface TopicPolicy {
  readonly scope: TopicScope
  /** So long a message waits for a node that is away, ms; the node's own choice where it is not said. */
  readonly keepMs?: number | undefined
}
