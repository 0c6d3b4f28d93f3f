/** Topics as the control API has them: with names in place of ids, and bodies that fit into a line. */
import { apiLimits, type HeardMessage, type TopicDesk } from '../api/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import type { Message, MeshTopics, Messaging } from '../messages/index.ts'

interface DeskNeeds {
  readonly messaging: Messaging
  readonly directory: MeshTopics
  readonly mesh: Pick<Mesh, 'self' | 'members'>
}

export function topicDesk({ messaging, directory, mesh }: DeskNeeds): TopicDesk {
  const nameOf = (node: string): string => mesh.members().find(({ id }) => id === node)?.name ?? node
  const heard = ({ body, origin, ...message }: Message): HeardMessage => ({
    ...message,
    from: nameOf(origin),
    body: Buffer.from(body.subarray(0, apiLimits.heardBytes)).toString('base64'),
    bodyBytes: body.length,
  })
  return {
    report: () => messaging.report(),
    async send(intent) {
      const { topic } = intent
      const id = await messaging.publish(intent)
      return {
        id,
        scope: directory.facts(topic).scope,
        nodes: directory
          .nodesFor(topic)
          .map((node) => directory.nameOf(node))
          .sort(),
        heardBy: messaging.hearing(topic),
      }
    },
    async listen(topics, take, signal, begun) {
      const cancel = await messaging.listen(topics, (message) => take(heard(message)))
      try {
        begun()
        await new Promise<void>((resolve) => {
          if (signal.aborted) return resolve()
          signal.addEventListener('abort', () => resolve(), { once: true })
        })
      } finally {
        cancel()
      }
    },
  }
}
