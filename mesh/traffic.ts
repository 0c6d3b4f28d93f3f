/** What went between this node and its peers since it started: by protocol, and of heads by what they are about. */
import { HeadTraffic, type HeadTally } from './heads/index.ts'
import { ProtocolTraffic, type ProtocolTally } from './transport/index.ts'

export class MeshTraffic {
  /** Counted by the transport. */
  readonly byProtocol = new ProtocolTraffic()
  /** Counted by the exchange of heads. */
  readonly byKind: HeadTraffic

  /** @param prefixes of the keys of each kind of head */
  constructor(prefixes: readonly string[]) {
    this.byKind = new HeadTraffic(prefixes)
  }

  get protocols(): readonly ProtocolTally[] {
    return this.byProtocol.tallies
  }

  get heads(): readonly HeadTally[] {
    return this.byKind.tallies
  }
}
