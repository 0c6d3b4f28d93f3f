/**
 * Times and bounds of membership, each with its reason. What a death costs to notice follows from them: the first of
 * some seven watchers probes after half a second on average, and suspicion takes 2.3 s at the least.
 */
export interface MembershipOptions {
  /** One neighbour is probed per period, so the load does not depend on how many there are. */
  readonly periodMs: number
  /** No probe is given up earlier: above one retransmission of TCP (200 ms) and its round trip. */
  readonly probeFloorMs: number
  readonly probeCapMs: number
  /** A suspect is probed again so often. */
  readonly reprobeMs: number
  /** A watcher's own silence before it votes for death. */
  readonly silenceMs: number
  /** The whole suspicion's age before that: longer than the pauses of up to 2 s that a living host makes. */
  readonly suspicionMinMs: number
  /** The same where few agree. */
  readonly suspicionMaxMs: number
  /** A suspicion that many watchers share is told to the whole mesh after this, */
  readonly shareMs: number
  /** and one that nobody confirms or denies after this. */
  readonly shareAloneMs: number
  /** Two refused dials this far apart are proof: between them a restarting process may be back. */
  readonly refusedMs: number
  /** A neighbour that was never reached in this run is suspected after this. */
  readonly firstContactMs: number
  /**
   * Where several nodes are in doubt, none of them dies before no other has come into doubt for so long: above the time
   * that a doubt stays among the watchers, so that whoever is behind a cut too has been named.
   */
  readonly steadyMs: number
  /** A vote of doubt that goes on is said again so often, */
  readonly renewMs: number
  /** and one that is not said again counts no longer after this. */
  readonly expireMs: number
  /** A silent connection is given up after this: its retransmissions may be a minute apart, a new dial is not. */
  readonly dropMs: number
  /** A watcher that is suspect itself for so long counts no longer among those who must agree. */
  readonly doubtfulWatcherMs: number
  /** A timer so late means that this node slept or stood still: everybody gets a fresh window. */
  readonly sleepMs: number
  /** A timer so late means that this node is slow. */
  readonly lateMs: number
  /** One member that is not alive is dialled so often, so that a healed cut is found. */
  readonly strayMs: number
  /** So often one neighbour is asked whether it holds the same nodes for dead. */
  readonly summaryMs: number
  /** Between two refutations of this node. */
  readonly refuteMs: number
}

export const membershipDefaults: MembershipOptions = {
  periodMs: 500,
  probeFloorMs: 300,
  probeCapMs: 2_000,
  reprobeMs: 400,
  silenceMs: 1_200,
  suspicionMinMs: 2_300,
  suspicionMaxMs: 6_000,
  shareMs: 900,
  shareAloneMs: 2_400,
  refusedMs: 200,
  firstContactMs: 8_000,
  steadyMs: 2_700,
  renewMs: 10_000,
  expireMs: 30_000,
  dropMs: 4_000,
  doubtfulWatcherMs: 3_000,
  sleepMs: 1_000,
  lateMs: 250,
  strayMs: 1_000,
  summaryMs: 10_000,
  refuteMs: 300,
}

export const membershipLimits = {
  /** As many as there may be members. */
  members: 4_096,
  /** Kept of all votes about one node; a node has eight watchers, and views differ for a while. */
  votesPerNode: 32,
  /** A suspicion told to be older than this is no older: one liar must not hurry others much. */
  toldAgeMs: 3_000,
  /** Dead or gone nodes of whom one neighbour tells another at once; the rest comes with the next comparison. */
  goneAtOnce: 64,
  /** Statements of one signer that are taken at once, and per second. */
  statementBurst: 64,
  statementsPerSecond: 4,
  /** Signers whose statements are counted at one time. */
  countedSigners: 1_024,
  /** Jumps above another's use of this identity within a minute, before it is called that. */
  identityJumps: 3,
  identityWindowMs: 60_000,
} as const
