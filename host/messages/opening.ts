/** Messages of a node on its disk: what is opened before anything can be published or received. */
import { messageOf } from '../../core/index.ts'
import { unusableQueue, type DurableQueue, type QueueLimits } from '../queue/index.ts'
import { AgeClock } from './age-clock.ts'
import { envelopeBytes } from './envelope.ts'
import { originIn } from './inbox.ts'
import { Messaging, type MessagingNeeds } from './messaging.ts'
import { Subscriptions } from './subscriptions.ts'

/** Opens the journals. @throws what the queues throw */
export async function openMessaging(needs: MessagingNeeds): Promise<Messaging> {
  const { queues, folder, clock, log, settings } = needs
  const { bytes, items, whenFull } = settings
  const queueLimits: QueueLimits = { bytes, items, whenFull, itemBytes: envelopeBytes, deadItems: 0 }
  // What a node sends without end takes the place of its own, and of nobody else's.
  const sourceOf = (unique: string): string | null => {
    const origin = originIn(unique)
    return origin === needs.self ? null : origin
  }
  const journal = (name: string, limits: QueueLimits): Promise<Journal> =>
    queues.open(name, limits).then(
      (queue) => ({ queue, problem: null }),
      (error: unknown) => {
        // The node has other things to do than messages.
        log.error('messages:journal', { name, error: messageOf(error) })
        const problem = error instanceof Error ? error : new Error(messageOf(error))
        return { queue: unusableQueue(problem), problem: problem.message }
      },
    )
  const [out, into, age, subscriptions] = await Promise.all([
    journal('messages-out', queueLimits),
    journal('messages-in', { ...queueLimits, sourceOf }),
    AgeClock.open(folder, clock),
    Subscriptions.open(folder, log),
  ])
  const unusable = { out: out.problem, in: into.problem }
  return new Messaging(needs, { out: out.queue, into: into.queue, unusable, age, subscriptions, queueLimits })
}

interface Journal {
  readonly queue: DurableQueue
  /** Why it cannot be opened; null where it is. */
  readonly problem: string | null
}
