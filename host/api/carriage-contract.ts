/** What the control API says of records that were carried by hand. */

/** What became of a signed record that was carried here, or would. */
export interface RecordVerdict {
  readonly kind: 'trust' | 'revocation' | 'credential' | 'release'
  /** SHA-256 of its bytes. */
  readonly digest: string
  readonly outcome: 'accepted' | 'known' | 'older' | 'refused'
  readonly reason?: { readonly code: string; readonly message: string; readonly hint: string }
  /** Of a release whose signature holds. */
  readonly release?: {
    readonly app: string
    readonly version: string
    readonly seq: number
    readonly component: string
    readonly sizeBytes: number
    readonly grants: readonly string[]
    readonly publisher: string
    /** The newest one that the node held before; null where it knew none. */
    readonly before: {
      readonly version: string
      readonly seq: number
      readonly grants: readonly string[]
    } | null
    /** Is all of its component on the node's disk? */
    readonly held: boolean
  }
}

export interface OfferReport {
  readonly mesh: string
  /** Of the trust in force afterwards; with a rehearsal before. */
  readonly trustVersion: number
  /** One for each record, in their order. */
  readonly verdicts: readonly RecordVerdict[]
  /** What the node raises an alarm about, as a fork. */
  readonly alarms: readonly { readonly code: string; readonly message: string }[]
}
