/** What this node's own operator hands in, signed elsewhere: taken like a peer's, and written into the audit. */
import type { HeartbeatStore, OfferedRevocation, TrustStore } from './identity/index.ts'
import type { OfferedRelease, ReleaseLog } from './releases/index.ts'
import type { Witness } from './witness.ts'

export interface OperatorDeskParts {
  readonly trust: TrustStore
  readonly heartbeats: HeartbeatStore
  readonly releases: ReleaseLog
  readonly witness: Witness
}

export class OperatorDesk {
  readonly #parts: OperatorDeskParts

  constructor(parts: OperatorDeskParts) {
    this.#parts = parts
  }

  /** Takes a signed release. @throws what {@link ReleaseLog.publish} throws */
  publish(bytes: Uint8Array): Promise<OfferedRelease> {
    return this.#take('release', bytes, () => this.#parts.releases.publish(bytes))
  }

  /** Takes the next version of whom to trust. @throws what {@link TrustStore.offer} throws */
  changeTrust(bytes: Uint8Array): ReturnType<TrustStore['offer']> {
    return this.#take('trust', bytes, () => this.#parts.trust.offer(bytes))
  }

  /** Takes a revocation. @throws what `RevocationStore.offer` throws */
  revoke(bytes: Uint8Array): Promise<OfferedRevocation> {
    return this.#take('revocation', bytes, () => this.#parts.trust.revocations.offer(bytes))
  }

  /** Takes a heartbeat. @throws what {@link HeartbeatStore.offer} throws */
  beat(bytes: Uint8Array): ReturnType<HeartbeatStore['offer']> {
    return this.#take('heartbeat', bytes, () => this.#parts.heartbeats.offer(bytes))
  }

  async #take<Taken extends { readonly outcome: string }>(
    kind: string,
    bytes: Uint8Array,
    offer: () => Promise<Taken>,
  ): Promise<Taken> {
    const { witness } = this.#parts
    try {
      const taken = await offer()
      if (taken.outcome !== 'known') witness.taken(kind, bytes, null)
      return taken
    } catch (error) {
      witness.refused(kind, bytes, null, error)
      throw error
    }
  }
}
