/**
 * Messages over topics, between apps wherever in the mesh they run, and whatever else of a node speaks with them.
 *
 * Promised: a message whose `publish` resolved is handed to every subscription that its topic's scope reached then, at
 * least once, across crashes, power cuts and disconnection; messages with one key in the order in which one node
 * published them. Ends of that promise: a message that waited longer than its topic's `keep` for a node that is away, and,
 * where the node's owner says `when-full = "drop-oldest"`, the oldest of a full journal; both are counted.
 */
import type { Cancel } from '../../core/index.ts'

export interface Message {
  /** Unique among those of its origin. */
  readonly id: string
  readonly topic: string
  /** Messages of one topic, origin and key keep their order; null keeps none. */
  readonly key: string | null
  readonly contentType: string | null
  readonly metadata: readonly (readonly [string, string])[]
  readonly body: Uint8Array
  /** The node that published it: not what it says of itself, but who the connection was with. */
  readonly origin: string
  /** By the origin's wall clock, which may be wrong: to be shown, not to be reckoned with. */
  readonly timeMs: number
  /** Of a request alone. */
  readonly request?: RequestMark
}

/** That somebody waits for replies to a message. */
export interface RequestMark {
  /** What {@link Topics.reply} knows the request by. */
  readonly replyTo: string
  /** Monotonic ms of this node: from then on nobody waits. */
  readonly untilMs: number
}

/** How long is waited for replies, for how many, and on whose behalf. */
export interface RequestTerms {
  /** At most {@link messageLimits}.requestMostMs is waited. */
  readonly timeoutMs: number
  /** Enough of them; at most {@link messageLimits}.replies. */
  readonly replies: number
  /** The app that asks. */
  readonly app: string
  /** Whoever asks gives it up. */
  readonly signal?: AbortSignal
}

/** How long a reply may take, beside the time of its request, and on whose behalf. */
export interface ReplyTerms {
  readonly timeoutMs?: number
  /** Whoever replies is gone. */
  readonly signal?: AbortSignal
}

/** A reply has no topic of its own to name, and no key: it goes to who asked. */
export type NewReply = Pick<NewMessage, 'body' | 'contentType' | 'metadata'>

export interface NewMessage {
  /** See {@link topicRule}. */
  readonly topic: string
  /** At most {@link messageLimits}.bodyBytes. */
  readonly body: Uint8Array
  readonly key?: string | null
  readonly contentType?: string | null
  readonly metadata?: readonly (readonly [string, string])[]
  /**
   * For who may have to publish the same message again, as a bridge that crashed: of two with one id the second is taken
   * for published. Made where it is left out.
   */
  readonly id?: string
}

export interface Topics {
  /**
   * Resolves when the message is on this node's disk for each node and subscription that it is for. How far it goes is the
   * topic's, as releases declare it (`[topics.NAME] scope = "node" | "group" | "mesh"`); a topic that none declares stays on
   * its node.
   * @returns its id
   * @throws ERR_MESSAGE_TOPIC, ERR_MESSAGE_TOO_LARGE, ERR_MESSAGES_FULL, ERR_MESSAGES_CLOSED, and what the disk says
   */
  publish(message: NewMessage): Promise<string>
  /**
   * Hands each message to `handle` until that resolves: again, after a while, where it throws, and after a restart.
   * Messages that come while nobody has subscribed by this name wait for who does.
   * @param name of the subscription, which outlives the process: `^[a-z0-9][a-z0-9./-]{0,180}$`. One handler at a time
   * @param topics whole names
   * @returns ends the handing out, not the subscription; see {@link forget}
   * @throws ERR_MESSAGE_TOPIC, ERR_MESSAGES_SUBSCRIPTIONS, ERR_MESSAGES_CLOSED, and what the disk says
   */
  subscribe(
    name: string,
    topics: readonly string[],
    handle: (message: Message) => Promise<void>,
    options?: SubscribeOptions,
  ): Promise<Cancel>
  /** Ends a subscription for good, with what waits for it. Nothing happens where there is none. */
  forget(name: string): Promise<void>
  /**
   * Sends a message to all within the topic's scope that take requests, at most once and by no journal, and waits for
   * replies: for as many as are wanted, or for those that came in time.
   * @throws ERR_REQUEST_UNHEARD where nobody is there who could answer, at once; ERR_REQUEST_TIMEOUT where nobody did in
   *   time; ERR_REQUESTS_FULL, and what `publish` throws of a message that is none
   */
  request(message: Omit<NewMessage, 'id' | 'key'>, terms: RequestTerms): Promise<readonly Message[]>
  /**
   * Resolves when whoever asked has it. A request may be replied to several times.
   * @throws ERR_REQUEST_OVER where nobody waits for it any more or it was not taken in time, and what `publish` throws of a
   *   message that is none
   */
  reply(replyTo: string, reply: NewReply, terms?: ReplyTerms): Promise<void>
}

export interface SubscribeOptions {
  /** Requests are handed to it too, with {@link Message.request}; usually they are not. */
  readonly takesRequests?: boolean
}

/** Every bound of messages on one node, with its reason. */
export const messageLimits = {
  /** Larger things belong into a blob store, and their name into a message. */
  bodyBytes: 256 * 1024,
  /** Of all names and values of one message's metadata, in UTF-16 units. */
  metadataChars: 8 * 1024,
  metadataEntries: 64,
  keyChars: 256,
  contentTypeChars: 256,
  idChars: 64,
  /** Durable subscriptions of a node: apps' triggers and bridges. */
  subscriptions: 256,
  /** Topics that a node hears, of all its subscriptions: they stand in its node record. */
  topics: 128,
  /** Nodes that one message is kept for. */
  nodes: 256,
  /** Handlers of one subscription that are under way at once: of different keys, or of none. */
  handled: 16,
  /** From the first failure of a handler to the next try, and at most. */
  handleAgainMs: 500,
  handleAgainMostMs: 60_000,
  /** Requests of this node that wait for replies: each keeps what has come until it has enough. */
  requests: 256,
  /** The same of one app, so that others can ask too. */
  requestsOfApp: 64,
  /** How long a request waits where its app does not say, and at most. */
  requestMs: 30_000,
  requestMostMs: 300_000,
  /** Replies that one request may want, and what they may have in all: they are handed to a guest as one value. */
  replies: 64,
  replyBytes: 2 * 1024 * 1024,
  /** Requests that apps of this node may still reply to; and those of one node, so that others are heard too. */
  answerable: 1_024,
  answerableOfNode: 256,
} as const
