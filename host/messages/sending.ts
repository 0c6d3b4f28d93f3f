/**
 * Sends what is worth something only now, a request or a reply, to one node: until that has it, says that it does not want
 * it, or the time is over. No journal has it meanwhile.
 */
import { delay, isSelvedgeError, messageOf, type Clock, type Log } from '../../core/index.ts'
import { NotStarted, type MessageVerdict, type WireMessage } from '../../mesh/index.ts'
import type { MessageCarrier } from './outbox.ts'

export interface SendingNeeds {
  readonly carrier: Pick<MessageCarrier, 'deliver' | 'isConnected'>
  readonly clock: Clock
  readonly log: Log
}

export interface SendTerms {
  /** Monotonic ms. */
  readonly untilMs: number
  readonly over: AbortSignal
  /** Whether it may be sent again where it may have arrived. */
  readonly isRepeatable: boolean
  /** What is said of a node that does not want it, behind its name. */
  readonly unwanted: string
}

/** What came of it: the node has it, it may have it, or in words why it has not. */
export type Sent =
  | { readonly state: 'taken' }
  | { readonly state: 'lost' }
  | { readonly state: 'not'; readonly why: string }

/** Before a node that had no room is asked again. */
const againMs = 50

export const untaken = 'does not take it'

/** @returns what is said of a node behind its name */
export function notTaken(verdict: MessageVerdict): string {
  if (verdict === 'refused') return 'does not let it come from here'
  return verdict === 'later' ? 'has no room for it' : untaken
}

/** Never rejects. @param make is told what is left of the time when it leaves, ms */
export async function sendNow(
  { carrier, clock, log }: SendingNeeds,
  node: string,
  make: (leftMs: number) => WireMessage,
  { untilMs, over, isRepeatable, unwanted }: SendTerms,
): Promise<Sent> {
  for (;;) {
    const leftMs = untilMs - clock.monotonicMs()
    if (over.aborted || leftMs <= 0) return { state: 'not', why: 'had no room in time' }
    let waitMs: number = againMs
    try {
      // Made when a channel is there for it: to wait for that may take much of the time.
      const batch = (): WireMessage[] => [make(untilMs - clock.monotonicMs())]
      const { verdicts, waitMs: wantedMs } = await carrier.deliver(node, batch, over)
      const [verdict = 'later'] = verdicts
      if (verdict === 'taken') return { state: 'taken' }
      if (verdict === 'unwanted') return { state: 'not', why: unwanted }
      if (verdict !== 'later') return { state: 'not', why: notTaken(verdict) }
      waitMs = Math.max(againMs, wantedMs)
    } catch (error) {
      log.debug('messages:request', { node, error: messageOf(error) })
      if (over.aborted) return { state: 'lost' }
      // Of a node that is there, a channel may be had in a moment.
      const isAway = error instanceof NotStarted && !error.isReached && !carrier.isConnected(node)
      if (isAway) return { state: 'not', why: 'is not reached' }
      const isUntaken = error instanceof NotStarted || isSelvedgeError(error, 'ERR_MESSAGES_UNHEARD')
      if (!isUntaken && !isRepeatable) return { state: 'lost' }
    }
    await delay(clock, Math.min(waitMs, leftMs), over).catch(() => {})
  }
}
