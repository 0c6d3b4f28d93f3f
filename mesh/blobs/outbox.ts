/** What one event makes a fetch say to its sources: a message of a kind for each, and withdrawals before requests. */
import type { Digest } from '../../core/index.ts'
import type { NodeId } from '../identity/index.ts'
import type { FetchAction } from './fetch-events.ts'

type Lists = Map<NodeId, Digest[]>

export class Outbox {
  readonly #requests: Lists = new Map()
  readonly #cancels: Lists = new Map()

  request(peer: NodeId, digest: Digest): void {
    push(this.#requests, peer, digest)
  }

  cancel(peer: NodeId, digest: Digest): void {
    push(this.#cancels, peer, digest)
  }

  drain(): FetchAction[] {
    return [...actionsOf('cancel', this.#cancels), ...actionsOf('request', this.#requests)]
  }
}

function push(lists: Lists, peer: NodeId, digest: Digest): void {
  const list = lists.get(peer)
  if (list === undefined) lists.set(peer, [digest])
  else list.push(digest)
}

function actionsOf(type: 'request' | 'cancel', lists: Lists): FetchAction[] {
  const actions = [...lists].map(([peer, digests]) => ({ type, peer, digests }))
  lists.clear()
  return actions
}
