/** Where the redialler looks for members: their own records say it, and for a newcomer the invite that let it in. */
import type { CredentialBook, NodeId } from './identity/index.ts'
import type { NodeRecords } from './membership/index.ts'
import { peerOfAddress, type Redialler } from './transport/index.ts'

export interface AddressBookNeeds {
  readonly self: NodeId
  readonly credentials: CredentialBook
  readonly records: NodeRecords
  readonly redial: Redialler
}

export class AddressBook {
  readonly #needs: AddressBookNeeds
  /** What the redialler was told last of each member. */
  readonly #told = new Map<NodeId, readonly string[]>()

  constructor(needs: AddressBookNeeds) {
    this.#needs = needs
  }

  /** Tells what the members' records say now. */
  readRecords(): void {
    const { self, credentials, records, redial } = this.#needs
    for (const { record } of records.all()) {
      const { node, report } = record
      // The list of a record that has not changed is the same object.
      const isKnown = this.#told.get(node) === report.addresses
      if (node === self || isKnown || !credentials.isMember(node)) continue
      this.#told.set(node, report.addresses)
      redial.know(node, report.addresses)
    }
  }

  /** A newcomer has nobody's record yet; the invite in its own credential says where its first peers are. */
  readInvite(): void {
    const { self, credentials, records, redial } = this.#needs
    const addressesOf = new Map<NodeId, string[]>()
    for (const address of credentials.get(self)?.invite.record.addresses ?? []) {
      const peer = peerOfAddress(address)
      if (peer === null || records.get(peer) !== null) continue
      addressesOf.set(peer, [...(addressesOf.get(peer) ?? []), address])
    }
    // All of one member at once: what the redialler is told later takes the place of what it was told before.
    for (const [peer, addresses] of addressesOf) redial.know(peer, addresses)
  }

  forget(node: NodeId): void {
    this.#told.delete(node)
    this.#needs.redial.forget(node)
  }
}
