/** What the exchange of heads hears, and what it wants done. */
import type { Head, HeadOutcome } from './head.ts'
import type { HeadMessage } from './message.ts'

export type HeadEvent =
  /**
   * The owner holds this now; `from` where a peer brought it. Of what is unhurried, neighbours of the one that brought it
   * are told only where they do not have it after a moment.
   */
  | {
      readonly type: 'changed'
      readonly head: Head
      readonly from?: string
      readonly isUnhurried?: boolean
    }
  /** Of the heads whose keys start so, the owner holds these and no others any more. */
  | { readonly type: 'retain'; readonly prefix: string; readonly keys: ReadonlySet<string> }
  | { readonly type: 'peer-up'; readonly peer: string }
  | { readonly type: 'peer-down'; readonly peer: string }
  | { readonly type: 'message'; readonly peer: string; readonly message: HeadMessage }
  /** A message that could not be read. */
  | { readonly type: 'rubbish'; readonly peer: string; readonly reason: string }
  /** What became of an `accept`. */
  | { readonly type: 'judged'; readonly peer: string; readonly key: string; readonly outcome: HeadOutcome }
  | { readonly type: 'tick' }

export type HeadAction =
  | { readonly type: 'send'; readonly peer: string; readonly message: HeadMessage }
  | { readonly type: 'accept'; readonly peer: string; readonly key: string; readonly bytes: Uint8Array }
  /** It announced a newer version and sent an older one than is held. */
  | { readonly type: 'deceived'; readonly peer: string; readonly key: string }
  | { readonly type: 'misbehaved'; readonly peer: string; readonly reason: string }
