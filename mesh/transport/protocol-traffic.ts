/**
 * What crosses the wire under each protocol: messages and their lengths, before anything is multiplexed, encrypted or
 * cut into packets. Protocols are named by this node's own code, so that no peer can make the table grow.
 */

/** One direction of one protocol. */
export interface Crossed {
  /** Of the messages, each with the four bytes of its length; where they break off, what came of them. */
  readonly bytes: number
  readonly messages: number
}

export interface ProtocolTally {
  /** As it is negotiated: `/selvedge/heads/2`. */
  readonly protocol: string
  readonly received: Crossed
  readonly sent: Crossed
}

/** Where the channels of one protocol count; shared by all of them. */
export interface ProtocolMeter {
  readonly received: { bytes: number; messages: number }
  readonly sent: { bytes: number; messages: number }
}

export class ProtocolTraffic {
  readonly #meters = new Map<string, ProtocolMeter>()

  /** The same object for the same protocol, for as long as this one lives. */
  meter(protocol: string): ProtocolMeter {
    const known = this.#meters.get(protocol)
    if (known !== undefined) return known
    const meter = { received: { bytes: 0, messages: 0 }, sent: { bytes: 0, messages: 0 } }
    this.#meters.set(protocol, meter)
    return meter
  }

  /** By now, in the order of first use. */
  get tallies(): ProtocolTally[] {
    return [...this.#meters].map(([protocol, { received, sent }]) => {
      return { protocol, received: { ...received }, sent: { ...sent } }
    })
  }
}
