/** What one event leads to: actions in order, and statements gathered so that each peer gets one message of them. */
import type { NodeId } from '../identity/index.ts'
import type { MembershipAction } from './events.ts'
import type { Message, Sealed } from './statement.ts'

export class Outbox {
  #actions: MembershipAction[] = []
  #letters = new Map<NodeId, Set<Sealed>>()

  add(action: MembershipAction): void {
    this.#actions.push(action)
  }

  send(to: NodeId, message: Message): void {
    this.#actions.push({ type: 'send', to, message })
  }

  /** Statements go out together when the event has been dealt with. */
  say(to: NodeId, sealed: Sealed): void {
    const letter = this.#letters.get(to)
    if (letter === undefined) this.#letters.set(to, new Set([sealed]))
    else letter.add(sealed)
  }

  /** Everything since the last call. */
  drain(): MembershipAction[] {
    const actions = this.#actions
    if (this.#letters.size > 0) {
      for (const [to, letter] of this.#letters) {
        actions.push({ type: 'send', to, message: { t: 'statements', list: [...letter] } })
      }
      this.#letters = new Map()
    }
    this.#actions = []
    return actions
  }
}
