/**
 * `kind = "message"`: an event for each message of a granted topic, whoever in reach of the topic published it. The
 * message leaves the node's journal when the app's queue has it, so that none is lost in between.
 */
import * as v from 'valibot'
import { messageOf, topicPattern, topicRule, type Cancel } from '../../../core/index.ts'
import { messagingHandlerId } from '../../guest/index.ts'
import type { TopicMessage, TriggerEvent, TriggerKind } from '../contract.ts'
import { triggerProblems } from '../problems.ts'

const topic = v.pipe(v.string(), v.regex(topicPattern, `is no topic; ${topicRule}`))
const options = v.strictObject({ topic })

/** Subscribing fails where the disk does; it is tried again. */
const againMs = 5_000

/** What the handler is told, and by what the queue knows it again. */
export type MessagePayload = {
  readonly topic: string
  readonly contentType: string | null
  readonly body: Uint8Array
  readonly metadata: readonly (readonly [string, string])[]
  /** Of a request. */
  readonly replyTo?: string
}

/** The same from one release of the app to the next, so that what waits is handed to the new one. */
export function subscriptionName(app: string, of: string): string {
  return `app/${app}/${of}`
}

/** Messages of one origin and key keep their order; one that comes twice is handled once. */
function eventOf(message: TopicMessage): TriggerEvent<MessagePayload> {
  const { topic: of, contentType, body, metadata, key, origin, id, request } = message
  const payload = { topic: of, contentType, body, metadata }
  if (request !== undefined)
    return { payload: { ...payload, replyTo: request.replyTo }, untilMs: request.untilMs }
  return { payload, unique: `${origin} ${id}`, ...(key !== null && { key: `${origin} ${key}` }) }
}

export const messageTrigger: TriggerKind<{ readonly topic: string }, MessagePayload> = {
  kind: 'message',
  summary: 'an event for each message of a topic',
  written: { topic },
  toSpec: ({ topic: of }) => ({ topic: String(of) }),
  fromOption: (text) => ({ topic: text }),
  options,
  handlers: [messagingHandlerId],
  method: 'handle',
  delivery: 'at-least-once',
  requiredGrants: ({ topic: of }) => [`subscribe:${of}`],
  args: ({ topic: of, contentType, body, metadata, replyTo }) => [
    { topic: of, contentType: contentType ?? undefined, data: body, metadata, replyTo },
  ],
  start({ topic: of }, { app, topics, clock, offer, failed }) {
    if (topics === null) {
      failed(triggerProblems.error('ERR_TRIGGER_SOURCE', 'there are no topics here'))
      return { stop() {} }
    }
    let isStopped = false
    let cancel: Cancel | null = null
    const begin = async (): Promise<void> => {
      try {
        const end = await topics.subscribe(
          subscriptionName(app, of),
          [of],
          (message) => offer(eventOf(message)),
          { takesRequests: true },
        )
        if (isStopped) end()
        else cancel = end
      } catch (error) {
        if (isStopped) return
        failed(
          triggerProblems.error('ERR_TRIGGER_SOURCE', `the topic ${of} cannot be heard: ${messageOf(error)}`),
        )
        cancel = clock.after(againMs, () => void begin())
      }
    }
    void begin()
    return {
      stop() {
        isStopped = true
        cancel?.()
      },
    }
  },
}
