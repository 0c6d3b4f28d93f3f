/** Topics as the control API has them: with names in place of ids, and bodies that fit into a line. */
import { within, type Clock } from '../../core/index.ts'
import { apiLimits, type HeardMessage, type TopicDesk } from '../api/index.ts'
import type { Mesh } from '../../mesh/index.ts'
import type { Message, MeshTopics, Messaging } from '../messages/index.ts'

interface DeskNeeds {
  readonly messaging: Messaging
  readonly directory: MeshTopics
  readonly mesh: Pick<Mesh, 'self' | 'members'>
  readonly clock: Clock
}

/** For a client that takes nothing more: what waits for it takes room in the journal that apps need. */
const patienceMs = 30_000

export function topicDesk({ messaging, directory, mesh, clock }: DeskNeeds): TopicDesk {
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
      let end!: () => void
      const ended = new Promise<void>((resolve) => (end = resolve))
      const cancel = await messaging.listen(topics, (message) =>
        within({ clock, ms: patienceMs }, () => take(heard(message))).catch((error: unknown) => {
          end()
          throw error
        }),
      )
      try {
        begun()
        if (signal.aborted) return
        signal.addEventListener('abort', end, { once: true })
        await ended
      } finally {
        signal.removeEventListener('abort', end)
        cancel()
      }
    },
  }
}
