/** Bridges between the mesh's topics and those of a broker. */

/** One topic of the mesh, on its way to the broker. */
export interface OutRoute {
  /** A whole name of a topic of the mesh. */
  readonly topic: string
  /** The topic at the broker. */
  readonly to: string
  /** The broker keeps the last one for whoever comes later. */
  readonly retain: boolean
}

/** What comes from the broker, on its way into the mesh. */
export interface InRoute {
  /** A filter at the broker. */
  readonly topic: string
  /** A whole name of a topic of the mesh. */
  readonly to: string
}

/** `[[bridges]]` of the node's TOML. */
export interface BridgeConfig {
  /** The broker's where it is left out. */
  readonly name?: string | undefined
  readonly broker: string
  readonly out: readonly OutRoute[]
  readonly in: readonly InRoute[]
  /** Bytes, and messages, that wait for the broker. */
  readonly size: number
  readonly items: number
  readonly 'when-full': 'refuse' | 'drop-oldest'
}

export interface BridgeReport {
  readonly name: string
  readonly broker: string
  /** For the broker, on this node's disk. */
  readonly waiting: number
  readonly waitingBytes: number
  /** Refused by the broker until they were given up; kept until the next start. */
  readonly refused: number
  /** Of those that waited, for want of room. */
  readonly dropped: number
  /** Since the node started. */
  readonly sent: number
  readonly received: number
  /** Not taken from the broker: repeated, came back, or more than a message may be. */
  readonly passedOver: Readonly<Record<PassedOver, number>>
  readonly problem: { readonly code: string; readonly message: string } | null
}

export type PassedOver = 'repeated' | 'echo' | 'oversized'
