import type { SignedRelease } from './signed-release.ts'

/** A release that this node holds. */
export interface HeldRelease extends SignedRelease {
  /** When this node took it, by its own wall clock; ms since the epoch. */
  readonly receivedAt: number
}

/** How a held release stands: `head` is what every node should run, `revoked` counts no more. */
export interface HistoryEntry extends HeldRelease {
  readonly role: 'head' | 'past' | 'fork' | 'revoked'
}
