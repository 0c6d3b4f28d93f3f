/**
 * The way between replicas of one group's stores: a channel to each member that shares a group, for frames that only they
 * understand. What may be said on it, and about what, the host decides; the mesh knows no stores.
 */
import type { Clock, Log, Random } from '../../core/index.ts'
import { PeerChannels, type NodeId, type Transport } from '../transport/index.ts'

const protocol = '/selvedge/replicas/1'
/** Two of the largest frames may wait for a peer. */
const queuedFrames = 2

export interface ReplicaLinesParts {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface ReplicaLineHandlers {
  readonly maxFrameBytes: number
  /** Whether there is anything to say to this member; asked for each when it connects and with each `refresh`. */
  mayMeet(peer: NodeId): boolean
  onUp(peer: NodeId): void
  onDown(peer: NodeId): void
  /** The next message of this peer is read when the promise settles; where it fails the channel is opened anew. */
  onMessage(peer: NodeId, bytes: Uint8Array): Promise<void>
}

/** Of one node; nothing is opened before `start` of what {@link open} gives. */
export class ReplicaLines {
  readonly #parts: ReplicaLinesParts

  constructor(parts: ReplicaLinesParts) {
    this.#parts = parts
  }

  open({ maxFrameBytes, ...handlers }: ReplicaLineHandlers): PeerChannels {
    const maxQueuedBytes = queuedFrames * maxFrameBytes
    return new PeerChannels(this.#parts, { protocol, maxFrameBytes, maxQueuedBytes, ...handlers })
  }
}
