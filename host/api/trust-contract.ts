/** What the control API says of trust, and of what was signed and refused. Keys and digests are hexadecimal. */

/** How the last heartbeat of the mesh's admins stands here. */
export interface HeartbeatStatus {
  /**
   * `unknown`: none came since this node was started. `overdue`: older than was promised. `behind`: it tells of newer
   * trust or other releases than have come here.
   */
  readonly state: 'fresh' | 'overdue' | 'behind' | 'unknown'
  readonly admin: string
  readonly counter: number
  /** The admin's wall clock, ms since the epoch. */
  readonly at: number
  /** How soon the next one was promised, in ms; null where nothing was. */
  readonly everyMs: number | null
  /** Since it came, by this node's monotonic clock; null where it came before this node was started. */
  readonly ageMs: number | null
}

/** One attack of one peer, as this node saw signs of it since it started. */
export interface AttackStatus {
  readonly attack: string
  /** Node id; null where nobody knows whose it was. */
  readonly peer: string | null
  /** The peer's name, where it is a member. */
  readonly name: string | null
  readonly count: number
  readonly lastAgoMs: number
  readonly detail: string
}

export interface TrustedPublisher {
  readonly key: string
  readonly apps: readonly string[]
  readonly grants: readonly string[]
  readonly revoked: boolean
}

export interface RevocationEntry {
  readonly digest: string
  readonly kind: 'node' | 'admin' | 'publisher' | 'release'
  /** A key, or the digest of a release. */
  readonly of: string
  /** What it says in words. */
  readonly text: string
  readonly reason: string
  /** When it was signed, by the signer's clock. */
  readonly at: number
  readonly signers: readonly string[]
  /** False for one by a key that was revoked since. */
  readonly counts: boolean
}

export interface TrustReport {
  readonly mesh: string
  readonly name: string
  readonly version: number
  readonly threshold: number
  readonly roots: readonly string[]
  readonly admins: readonly { readonly key: string; readonly revoked: boolean }[]
  readonly publishers: readonly TrustedPublisher[]
  /** The newest by their signers' clocks, at most {@link maxListedRevocations}. */
  readonly revocations: readonly RevocationEntry[]
  readonly revocationCount: number
  /** The members with the version that each says it goes by; null where it has not said. */
  readonly nodes: readonly {
    readonly id: string
    readonly key: string
    readonly name: string
    readonly state: string
    readonly trustVersion: number | null
    /** Of what is known of it here. */
    readonly recordAgeMs: number | null
  }[]
  readonly heartbeat: HeartbeatStatus | null
  /** Number of the next heartbeat, by admin key. */
  readonly nextHeartbeat: Readonly<Record<string, number>>
  /** Digest over the newest release of every app. */
  readonly releases: string
  /** All versions as they were signed, base64. */
  readonly chain: readonly string[]
}

export const maxListedRevocations = 256

/** What rests on a key: what a revocation of it should list, so that it stays. */
export interface KeyFacts {
  /** Of each app the newest release by this key that counts. */
  readonly releases: readonly {
    readonly app: string
    readonly version: string
    readonly seq: number
    readonly digest: string
  }[]
  /** Nodes that it invited, or let in. */
  readonly nodes: readonly { readonly key: string; readonly name: string }[]
  /** Digests of revocations that it signed. */
  readonly revocations: readonly string[]
}

/** What became of a trust version, revocation or heartbeat that was handed in. */
export interface TrustReceipt {
  readonly outcome: string
  readonly digest: string
}

/** One entry of the audit journal. */
export interface AuditLine {
  /** Grows by one. */
  readonly seq: number
  /** By this node's wall clock when it arrived, ms since the epoch. */
  readonly at: number
  /** Which start of this node it was, and how long after it, by the monotonic clock. */
  readonly boot: number
  readonly uptimeMs: number
  readonly kind: 'taken' | 'refused' | 'alarm'
  readonly what: string
  readonly text: string
  /** Public keys, hexadecimal. */
  readonly signers: readonly string[]
  /** Node id of the peer that brought it; null for this node's own operator. */
  readonly from: string | null
  readonly code: string | null
  readonly attack: string | null
  /** How often, and when the last time. */
  readonly count: number
  readonly lastAt: number
}
