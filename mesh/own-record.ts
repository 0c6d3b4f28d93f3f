/**
 * What this node says of itself: numbered, signed, and issued anew when something changed.
 *
 * A record of its own that is newer than any it remembers tells of a restored disk; the node then jumps above it.
 */
import { messageOf, type Cancel, type Clock, type Log } from '../core/index.ts'
import {
  signNodeRecord,
  type CredentialBook,
  type NodeIdentity,
  type NodeReport,
  type OnAlarm,
  type Trust,
} from './identity/index.ts'
import type { NodeRecords } from './membership/index.ts'

/** What the host says of this node; the mesh adds identity, addresses and numbers, and signs. */
export type NodeDescription = Pick<
  NodeReport,
  'arch' | 'platform' | 'runtime' | 'version' | 'features' | 'devices' | 'apps'
>

export interface OwnRecordParts {
  readonly identity: NodeIdentity
  readonly trust: Pick<Trust, 'meshId'>
  readonly credentials: CredentialBook
  readonly records: NodeRecords
  readonly clock: Clock
  readonly log: Log
  readonly onAlarm: OnAlarm
  describe(): NodeDescription
  /** Where others can dial this node now; null while its network is off. */
  addresses(): readonly string[] | null
  onIssued(): void
}

/** Changes within this time share one node record. */
const recordDelayMs = 100
/**
 * Jumps in a row above records of this node that came back: one for each part of a mesh that remembers a disk that was
 * restored. After so many it is another machine with the same key, and the two would outdo each other for ever.
 */
const maxJumps = 3
const jumpMs = 60_000

export class OwnRecord {
  readonly #parts: OwnRecordParts
  #isRunning = false
  #timer: Cancel | null = null
  #number = 0
  #jumps = 0
  #jumpedMs = 0

  constructor(parts: OwnRecordParts) {
    this.#parts = parts
  }

  start(): void {
    this.#isRunning = true
  }

  stop(): void {
    this.#isRunning = false
    this.#timer?.()
    this.#timer = null
  }

  /** Issues a record soon; several changes share one. Does nothing before {@link start} and after {@link stop}. */
  changed(): void {
    if (!this.#isRunning) return
    this.#timer ??= this.#parts.clock.after(recordDelayMs, () => {
      this.#timer = null
      this.issue().catch((error: unknown) => {
        this.#parts.log.error('record:failed', { error: messageOf(error) })
      })
    })
  }

  /** Signs and keeps a record now, above all that this node issued before. Nothing for a node that was turned out. */
  async issue(): Promise<void> {
    const { identity, trust, credentials, records, clock, describe, addresses, onIssued } = this.#parts
    const member = credentials.members().find(({ id }) => id === identity.nodeId)
    if (member === undefined) return
    const before = records.get(identity.nodeId)?.record.report
    this.#number = before?.boot === identity.boot ? before.number + 1 : this.#number + 1
    const bytes = signNodeRecord(identity.key, {
      v: 1,
      mesh: trust.meshId,
      node: identity.key.publicKey,
      name: member.name,
      boot: identity.boot,
      bootNonce: identity.bootNonce,
      number: this.#number,
      groups: member.groups,
      roles: member.roles,
      ...describe(),
      // Offline the last addresses stay: they are where it will be again.
      addresses: addresses() ?? before?.addresses ?? [],
      issuedAt: clock.now(),
    })
    await records.offer(bytes, () => {})
    onIssued()
  }

  /** A record of this node came back from the mesh that is newer than its own. */
  async jumpAbove(boot: number): Promise<void> {
    const { identity, clock, onAlarm } = this.#parts
    const now = clock.monotonicMs()
    if (this.#jumps >= maxJumps) {
      onAlarm({
        code: 'ERR_DUPLICATE_IDENTITY',
        message: `another machine runs with the identity of this node, ${identity.nodeId}`,
        evidence: [],
      })
      if (now - this.#jumpedMs < jumpMs) return
    }
    this.#jumps++
    this.#jumpedMs = now
    await identity.raiseBoot(boot)
    this.changed()
  }
}
