/** Signed records that leave and reach a mesh by hand: what to give along, what would happen, and taking it. */
import { encodeCbor, type Clock, type Digest } from '../../core/index.ts'
import type { NodeId, OnAlarm } from '../identity/index.ts'
import type { HeldRelease } from '../releases/index.ts'
import type { CarriedRecord, CarriedVerdict } from './record.ts'
import { rehearse } from './rehearsal.ts'
import { takeRecords, type CarriageWitness, type Takers } from './taking.ts'

export interface CarriageParts extends Takers {
  readonly clock: Clock
  readonly witness: CarriageWitness | null
}

export class Carriage {
  readonly #parts: CarriageParts

  constructor(parts: CarriageParts) {
    this.#parts = parts
  }

  /**
   * What a node needs to believe these releases, and the releases. The same holdings give the same list.
   * @param releases null for the newest of each app, and with them the credentials of all members
   */
  records(releases: readonly HeldRelease[] | null): CarriedRecord[] {
    const { trust, releases: log } = this.#parts
    const revocations = trust.revocations.all().sort(byDigest)
    return [
      { kind: 'trust', bytes: encodeCbor(trust.chain()) },
      ...revocations.map(({ bytes }): CarriedRecord => ({ kind: 'revocation', bytes })),
      ...(releases === null ? this.#credentials() : []),
      ...(releases ?? log.heads()).map(({ bytes }): CarriedRecord => ({ kind: 'release', bytes })),
    ]
  }

  /** What {@link take} would do now; changes nothing. */
  rehearse(records: readonly CarriedRecord[], onAlarm: OnAlarm): Promise<CarriedVerdict[]> {
    return rehearse(records, this.#parts, this.#parts.clock, onAlarm)
  }

  /** Takes records as if a peer had brought them; what is new is passed on to peers by those who hold it. */
  take(records: readonly CarriedRecord[]): Promise<CarriedVerdict[]> {
    return takeRecords(records, this.#parts, this.#parts.witness)
  }

  /** Each once, behind those that it rests on. */
  #credentials(): CarriedRecord[] {
    const { credentials } = this.#parts
    const ordered = new Set<Uint8Array>()
    for (const node of [...credentials.nodes()].sort(byText)) {
      for (const bytes of [...(credentials.chainFor(node) ?? [])].reverse()) ordered.add(bytes)
    }
    return [...ordered].map((bytes) => ({ kind: 'credential', bytes }))
  }
}

function byDigest(one: { readonly digest: Digest }, other: { readonly digest: Digest }): number {
  return byText(one.digest, other.digest)
}

function byText(one: NodeId, other: NodeId): number {
  return one < other ? -1 : one > other ? 1 : 0
}
