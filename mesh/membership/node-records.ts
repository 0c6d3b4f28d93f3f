/**
 * The newest record of every member: what each node says of itself, and when it was heard here.
 *
 * Kept on disk for the addresses in them, so that a node that wakes up alone knows whom to look for; a record is
 * written at once when its addresses changed and otherwise when the node stops, to spare flash memory.
 */
import { messageOf, type Clock, type Digest, type DurableFolder } from '../../core/index.ts'
import {
  compareReports,
  maxNodeRecordBytes,
  Turns,
  verifyNodeRecord,
  type NodeId,
  type NodeRecord,
  type OnAlarm,
} from '../identity/index.ts'

/** Records kept; as many as there may be members. */
const maxRecords = 4_096

export interface HeldRecord {
  readonly record: NodeRecord
  /** `clock.monotonicMs()` when it came; null for one that was read from disk. */
  readonly receivedAtMs: number | null
}

export type RecordOutcome = 'accepted' | 'known' | 'older'

export interface NodeRecordsOptions {
  readonly meshId: Digest
  readonly folder: DurableFolder
  readonly clock: Clock
  readonly onAlarm: OnAlarm
}

/** Reads and verifies again what was kept; what does not verify is removed and reported. */
export async function openNodeRecords(options: NodeRecordsOptions): Promise<NodeRecords> {
  const held = new Map<NodeId, HeldRecord>()
  const report = (name: string, error: unknown): void =>
    options.onAlarm({
      code: 'ERR_STORED_DAMAGED',
      message: `node record ${name}: ${messageOf(error)}`,
      evidence: [],
    })
  for (const name of (await options.folder.list()).slice(0, maxRecords)) {
    // What cannot be read today may be read tomorrow: only what was read and is wrong is removed.
    const bytes = await options.folder.read(name, maxNodeRecordBytes).catch((error: unknown) => {
      report(name, error)
      return null
    })
    if (bytes === null) continue
    try {
      const record = verifyNodeRecord(bytes, { mesh: options.meshId })
      held.set(record.node, { record, receivedAtMs: null })
    } catch (error) {
      await options.folder.remove(name)
      report(name, error)
    }
  }
  return new NodeRecords(options, held)
}

export class NodeRecords {
  readonly #options: NodeRecordsOptions
  readonly #held: Map<NodeId, HeldRecord>
  readonly #unsaved = new Set<NodeId>()
  readonly #turns = new Turns()

  /** Use {@link openNodeRecords}. */
  constructor(options: NodeRecordsOptions, held: Map<NodeId, HeldRecord>) {
    this.#options = options
    this.#held = held
  }

  /**
   * Takes a record from anybody.
   * @param requireMember throws for a node whose records are not wanted; asked once its signature is verified
   * @throws ERR_NODE_RECORD, and what `requireMember` throws
   */
  async offer(
    bytes: Uint8Array,
    requireMember: (node: NodeId) => void,
  ): Promise<{ outcome: RecordOutcome; record: NodeRecord }> {
    const record = verifyNodeRecord(bytes, { mesh: this.#options.meshId })
    requireMember(record.node)
    const held = this.#held.get(record.node)?.record
    const order = held === undefined ? 1 : compareReports(record.report, held.report)
    if (held !== undefined && order === 0) {
      if (held.digest === record.digest) return { outcome: 'known', record }
      this.#reportDuplicate(held, record)
      if (held.digest < record.digest) return { outcome: 'older', record }
    }
    if (order < 0) return { outcome: 'older', record }
    this.#held.set(record.node, { record, receivedAtMs: this.#options.clock.monotonicMs() })
    this.#unsaved.add(record.node)
    const sameAddresses =
      held !== undefined && held.report.addresses.join() === record.report.addresses.join()
    if (!sameAddresses) await this.#trySave(record.node)
    return { outcome: 'accepted', record }
  }

  get(node: NodeId): HeldRecord | null {
    return this.#held.get(node) ?? null
  }

  all(): readonly HeldRecord[] {
    return [...this.#held.values()]
  }

  /** Drops the record of a node that was revoked, also from the disk. */
  forget(node: NodeId): Promise<void> {
    return this.#turns.take(async () => {
      if (!this.#held.delete(node)) return
      this.#unsaved.delete(node)
      await this.#options.folder.remove(`${node}.cbor`)
    })
  }

  /** Writes what was not worth a write of its own. */
  async flush(): Promise<void> {
    for (const node of this.#unsaved) await this.#save(node)
  }

  /** A full disk must not keep a record from being known and passed on: it is tried again when the node stops. */
  async #trySave(node: NodeId): Promise<void> {
    try {
      await this.#save(node)
    } catch (error) {
      this.#options.onAlarm({
        code: 'ERR_NODE_RECORD_UNSAVED',
        message: `node records stay in memory: ${messageOf(error)}`,
        evidence: [],
      })
    }
  }

  /** In turn, so that the newest record is the last one written. */
  #save(node: NodeId): Promise<void> {
    return this.#turns.take(async () => {
      const held = this.#held.get(node)
      if (held === undefined || !this.#unsaved.delete(node)) return
      try {
        await this.#options.folder.write(`${node}.cbor`, held.record.bytes)
      } catch (error) {
        this.#unsaved.add(node)
        throw error
      }
    })
  }

  #reportDuplicate(held: NodeRecord, offered: NodeRecord): void {
    this.#options.onAlarm({
      code: 'ERR_DUPLICATE_IDENTITY',
      message: `two nodes run with the identity ${held.node}`,
      evidence: [held.bytes, offered.bytes],
    })
  }
}
