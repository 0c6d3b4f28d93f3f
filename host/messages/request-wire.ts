/**
 * Requests and replies as messages on their way between nodes. A request says in its metadata where replies go, and how
 * much of its time is left: not when it ends, as clocks differ. A reply goes to a topic that nobody else can name.
 */
import { messageWireLimits, type WireMessage } from '../../mesh/index.ts'
import { messageLimits as limits, type NewReply } from './contract.ts'

const replyToName = 'selvedge:reply-to'
const leftName = 'selvedge:left-ms'
const reserved: ReadonlySet<string> = new Set([replyToName, leftName])
const replyTopicPattern = /^selvedge\/reply\/r[0-9a-f]{24}$/

/** What the marks of a request take of what a message's metadata may have. */
export const markEntries = reserved.size
export const markChars = 128

/** @returns whether no app may use it */
export function isReserved(name: string): boolean {
  return reserved.has(name)
}

/** @param random 12 bytes, which nobody can guess */
export function replyTopic(random: Uint8Array): string {
  return `selvedge/reply/r${Buffer.from(random).toString('hex')}`
}

export function isReplyTopic(topic: string): boolean {
  return replyTopicPattern.test(topic)
}

/** @param leftMs of the request's time */
export function requestMessage(message: WireMessage, replyTo: string, leftMs: number): WireMessage {
  const marks = [
    [replyToName, replyTo],
    [leftName, String(Math.max(1, Math.floor(leftMs)))],
  ] as const
  return { ...message, metadata: [...message.metadata, ...marks] }
}

export interface ReadRequest {
  /** Without the marks. */
  readonly message: WireMessage
  readonly replyTo: string
  readonly leftMs: number
}

/** @returns null for a message that is no request; `broken` for one whose marks are none */
export function readRequest(message: WireMessage): ReadRequest | 'broken' | null {
  const marks = new Map(message.metadata.filter(([name]) => isReserved(name)))
  if (marks.size === 0) return null
  const [replyTo = '', left = ''] = [marks.get(replyToName), marks.get(leftName)]
  if (!isReplyTopic(replyTo) || !/^[1-9]\d{0,8}$/.test(left)) return 'broken'
  const metadata = message.metadata.filter(([name]) => !isReserved(name))
  return { message: { ...message, metadata }, replyTo, leftMs: Math.min(Number(left), limits.requestMostMs) }
}

export function replyMessage(id: string, replyTo: string, reply: NewReply, timeMs: number): WireMessage {
  const { body, contentType = null, metadata = [] } = reply
  return { id, topic: replyTo, key: null, contentType, metadata, body, timeMs }
}

/** Both ends bound metadata alike, and the marks are in it. */
export const requestMetadata = {
  entries: messageWireLimits.metadataEntries - markEntries,
  chars: messageWireLimits.metadataChars - markChars,
} as const
