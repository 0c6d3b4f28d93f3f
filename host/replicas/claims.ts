/**
 * What a neighbour says that it knows of others' writes, held against what those know who made them: whoever believed too
 * much would take what they write for overwritten. Pure: every call is handed the time.
 */
import { claimed, covers, ownerOf, type Claim, type ReplicaState, type Vector } from '../storage/index.ts'

/** What the node that a life belongs to has said. */
export interface OwnerWord {
  readonly vector: Vector | null
  /** By which it writes now; undefined where it does not say. */
  readonly life: string | null | undefined
}

/**
 * A claim to know more of this node's life than it has written ends that life, and all its writes are sent to everybody once
 * more by another name (`Replica.#burn`): so often at most. Until then who claims such a thing is not listened to.
 */
const lifeMs = 5 * 60_000

/** A summary claims as much as a batch without entries. */
export function claimOf(vector: Vector): Claim {
  return { vector, entries: [], kind: { type: 'changes', upTo: vector } }
}

/** @returns an ended life of a connected node of which more is claimed than that node knows; null where there is none */
export function endedLifeIn(
  vector: Vector,
  ours: Vector,
  peer: string,
  wordOf: (owner: string) => OwnerWord | undefined,
): string | null {
  for (const [replica, counter] of vector) {
    const owner = ownerOf(replica)
    const { vector: word, life } = wordOf(owner) ?? { vector: null, life: undefined }
    const most = word?.get(replica) ?? 0
    if (owner === peer || most === 0 || life === undefined || life === replica || counter <= most) continue
    if (!covers(ours, replica, counter)) return replica
  }
  return null
}

/** This node's life, and the last that ended while it ran. */
export class OwnLife {
  #life: string | null
  /** Writes of it that there are: others may have been sent some before the last state was told. */
  #most = 0
  #endedAtMs = -Infinity

  constructor({ life, vector }: ReplicaState) {
    this.#life = life
    this.knows(vector)
  }

  /** @param nowMs monotonic */
  is({ life, vector }: ReplicaState, nowMs: number): void {
    if (life !== this.#life) {
      if (this.#life !== null && life !== null) this.#endedAtMs = nowMs
      this.#life = life
      this.#most = 0
    }
    this.knows(vector)
  }

  /** What the store knew as somebody was answered. */
  knows(vector: Vector): void {
    if (this.#life !== null) this.#most = Math.max(this.#most, vector.get(this.#life) ?? 0)
  }

  /** @returns the life, where more of it is claimed than there is and it must not end so soon; else null */
  spared(claim: Claim, nowMs: number): string | null {
    if (this.#life === null || nowMs - this.#endedAtMs >= lifeMs) return null
    return claimed(claim, this.#life) > this.#most ? this.#life : null
  }
}
