/** What the control API says of messages: what waits and for whom, one to send, and those that are listened to. */

export const topicRoutes = {
  /** MessageReport */
  topics: 'GET /v1/topics',
  /** body: a SendIntent ; answers with a SendReceipt when the message is on the disk */
  send: 'POST /v1/messages',
  /** ?topic=…&topic=… : JSON lines of HeardMessage and, while there is no news, empty lines */
  listen: 'GET /v1/messages',
} as const

/** Of one node that messages go to, or one subscription of this node. */
export interface WaitingReport {
  /** A node's name, or a subscription's. */
  readonly for: string
  readonly kind: 'node' | 'subscription'
  /** Of a node: `connected`, `away`, or `idle` before the first try. Of a subscription: `read`, or `waiting` for its reader. */
  readonly state: 'connected' | 'away' | 'idle' | 'read' | 'waiting'
  readonly waiting: number
  /** Wall clock, ms; null where nothing waits. */
  readonly oldestMs: number | null
  /** Why the oldest was not taken the last time it was tried. */
  readonly lastError: string | null
  readonly topics: Readonly<Record<string, number>>
}

export interface TopicReport {
  readonly topic: string
  readonly scope: 'node' | 'group' | 'mesh'
  /** As releases ask; null where none says. */
  readonly keepMs: number | null
  /** Apps whose releases declare it. Where they differ, the nearest scope counts. */
  readonly declaredBy: readonly { readonly app: string; readonly scope: 'node' | 'group' | 'mesh' }[]
  /** Subscriptions of this node. */
  readonly heardBy: readonly string[]
  /** Names of other nodes that a message of this node goes to. */
  readonly nodes: readonly string[]
  /** On their way out, for all nodes. */
  readonly leaving: number
  /** Arrived, for all subscriptions. */
  readonly arrived: number
}

/** Since the node started. */
export interface MessageCounts {
  readonly published: number
  /** From other nodes. */
  readonly received: number
  /** Messages of others that this node's releases do not let come from there. */
  readonly refused: number
  /** To other nodes, which have them on their disks. */
  readonly delivered: number
  /** Waited too long for their node, or it is no member any more. */
  readonly expired: number
  /** Nobody heard them where they arrived. */
  readonly unwanted: number
  readonly damaged: number
  readonly handled: number
  /** Tries of handlers that failed. */
  readonly failed: number
  /** Requests of this node, and replies to others’; unanswered requests got none. */
  readonly requests: number
  readonly replies: number
  readonly unanswered: number
}

export interface JournalReport {
  readonly items: number
  readonly bytes: number
  readonly mostItems: number
  readonly mostBytes: number
  readonly whenFull: 'refuse' | 'drop-oldest'
  /** To make room, since the node started. */
  readonly dropped: number
  /** The same one again, since the node started. */
  readonly duplicates: number
  /** Why it cannot be used; absent where it can. */
  readonly problem?: string
}

export interface MessageReport {
  readonly topics: readonly TopicReport[]
  readonly waiting: readonly WaitingReport[]
  readonly journals: { readonly out: JournalReport; readonly in: JournalReport }
  readonly counts: MessageCounts
  /** There is more than was looked at: what waits is more than the figures say. */
  readonly isPartial: boolean
}

export interface SendIntent {
  readonly topic: string
  /** Base64. */
  readonly body: string
  readonly key?: string | undefined
  readonly contentType?: string | undefined
}

export interface SendReceipt {
  readonly id: string
  readonly scope: 'node' | 'group' | 'mesh'
  /** Names of other nodes that it goes to. */
  readonly nodes: readonly string[]
  /** Subscriptions of this node that it goes to. */
  readonly heardBy: readonly string[]
}

/** A message that somebody listens to. */
export interface HeardMessage {
  readonly id: string
  readonly topic: string
  readonly key: string | null
  readonly contentType: string | null
  readonly metadata: readonly (readonly [string, string])[]
  /** Base64 of its beginning, see {@link apiLimits}.heardBytes. */
  readonly body: string
  /** Of all of it. */
  readonly bodyBytes: number
  /** Name of the node that published it. */
  readonly from: string
  /** By that node's wall clock. */
  readonly timeMs: number
}

/** What a node's topics are to those who look at them from outside. */
export interface TopicDesk {
  report(): Promise<MessageReport>
  /** @throws ERR_MESSAGE_…, ERR_MESSAGES_FULL */
  send(intent: {
    readonly topic: string
    readonly body: Uint8Array
    readonly key?: string
    readonly contentType?: string
  }): Promise<SendReceipt>
  /**
   * Hands each message that comes from now on to `take`, until `signal` aborts.
   * @param begun called once when this node hears the topics @throws ERR_MESSAGE_TOPIC, ERR_MESSAGES_SUBSCRIPTIONS
   */
  listen(
    topics: readonly string[],
    take: (message: HeardMessage) => Promise<void>,
    signal: AbortSignal,
    begun: () => void,
  ): Promise<void>
}
