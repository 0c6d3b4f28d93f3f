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
  | 'arch'
  | 'platform'
  | 'runtime'
  | 'version'
  | 'features'
  | 'devices'
  | 'apps'
  | 'rests'
  | 'pause'
  | 'topics'
  | 'machine'
>

export interface OwnRecordParts {
  readonly identity: NodeIdentity
  readonly trust: Pick<Trust, 'meshId' | 'current'>
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
 * Every record travels to every member, so a node that changes all the time is slowed down: a release that comes,
 * starts and settles takes about five, and an app that fails again and again must not flood the mesh.
 */
const recordBurst = 10
const recordsPerSecond = 2
/** A state that passes sooner is not worth a record to every member: a small release comes and starts within it. */
const passingMs = 1_500
/**
 * How far a download has come is told so that each member hears of ten such records a second at most, however many
 * nodes download at once: with 10 nodes each tells it every second, with 300 every half minute.
 */
const progressMs = 1_000
const progressPerMemberMs = 100
/** After this, what moves again is another download. */
const stillMs = 10_000
/**
 * Jumps in a row above records of this node that came back: one for each part of a mesh that remembers a disk that was
 * restored. After so many it is another machine with the same key, and the two would outdo each other for ever.
 */
const maxJumps = 3
const jumpMs = 60_000

export class OwnRecord {
  readonly #parts: OwnRecordParts
  #isRunning = false
  #timer: { readonly dueMs: number; readonly cancel: Cancel } | null = null
  #issuedMs = -Infinity
  /** Records that may be issued at once, as of {@link #issuedMs}. */
  #allowance = recordBurst
  /** When something moved last, and since when it has. */
  #movedMs = -Infinity
  #movingSinceMs = -Infinity
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
    this.#timer?.cancel()
    this.#timer = null
  }

  /** Issues a record soon; several changes share one. Does nothing before {@link start} and after {@link stop}. */
  changed(): void {
    this.#issueIn(recordDelayMs)
  }

  /** As {@link changed}, for what will be something else soon: it is told if it lasts, or with the next change. */
  passes(): void {
    this.#issueIn(passingMs)
  }

  /** As {@link passes}, for what is worth a record only now and then: how far a download has come. */
  moved(): void {
    const { credentials, clock } = this.#parts
    const periodMs = Math.max(progressMs, credentials.members().length * progressPerMemberMs)
    const nowMs = clock.monotonicMs()
    if (nowMs - this.#movedMs > stillMs) this.#movingSinceMs = nowMs
    this.#movedMs = nowMs
    // The first steps of a download that is over in a moment are not told either.
    const toldMs = Math.max(this.#movingSinceMs + passingMs, this.#issuedMs + periodMs)
    this.#issueIn(Math.max(recordDelayMs, toldMs - nowMs))
  }

  #issueIn(ms: number): void {
    if (!this.#isRunning) return
    const { clock, log } = this.#parts
    const nowMs = clock.monotonicMs()
    const refillMs = Math.max(0, ((1 - this.#allowanceAt(nowMs)) / recordsPerSecond) * 1_000)
    const dueMs = nowMs + Math.max(ms, refillMs)
    if (this.#timer !== null && this.#timer.dueMs <= dueMs) return
    this.#timer?.cancel()
    const cancel = clock.after(dueMs - nowMs, () => {
      this.#timer = null
      this.issue().catch((error: unknown) => log.error('record:failed', { error: messageOf(error) }))
    })
    this.#timer = { dueMs, cancel }
  }

  #allowanceAt(nowMs: number): number {
    if (this.#issuedMs === -Infinity) return recordBurst
    return Math.min(recordBurst, this.#allowance + ((nowMs - this.#issuedMs) / 1_000) * recordsPerSecond)
  }

  /** Signs and keeps a record now, above all that this node issued before. Nothing for a node that was turned out. */
  async issue(): Promise<void> {
    const { identity, trust, credentials, records, clock, describe, addresses, onIssued } = this.#parts
    const nowMs = clock.monotonicMs()
    this.#allowance = Math.max(0, this.#allowanceAt(nowMs) - 1)
    this.#issuedMs = nowMs
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
      trust: trust.current?.record.version,
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
