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
  for (const name of (await options.folder.list()).slice(0, maxRecords)) {
    try {
      const bytes = await options.folder.read(name, maxNodeRecordBytes)
      if (bytes === null) continue
      const record = verifyNodeRecord(bytes, { mesh: options.meshId })
      held.set(record.node, { record, receivedAtMs: null })
    } catch (error) {
      await options.folder.remove(name)
      options.onAlarm({
        code: 'ERR_STORED_DAMAGED',
        message: `node record ${name}: ${messageOf(error)}`,
        evidence: [],
      })
    }
  }
  return new NodeRecords(options, held)
}

export class NodeRecords {
  readonly #options: NodeRecordsOptions
  readonly #held: Map<NodeId, HeldRecord>
  readonly #unsaved = new Set<NodeId>()

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
    const sameAddresses =
      held !== undefined && held.report.addresses.join() === record.report.addresses.join()
    if (sameAddresses) this.#unsaved.add(record.node)
    else await this.#save(record)
    return { outcome: 'accepted', record }
  }

  get(node: NodeId): HeldRecord | null {
    return this.#held.get(node) ?? null
  }

  all(): readonly HeldRecord[] {
    return [...this.#held.values()]
  }

  /** Writes what was not worth a write of its own. */
  async flush(): Promise<void> {
    for (const node of this.#unsaved) {
      const held = this.#held.get(node)
      if (held !== undefined) await this.#save(held.record)
    }
    this.#unsaved.clear()
  }

  #save(record: NodeRecord): Promise<void> {
    return this.#options.folder.write(`${record.node}.cbor`, record.bytes)
  }

  #reportDuplicate(held: NodeRecord, offered: NodeRecord): void {
    this.#options.onAlarm({
      code: 'ERR_DUPLICATE_IDENTITY',
      message: `two nodes run with the identity ${held.node} (${held.report.name})`,
      evidence: [held.bytes, offered.bytes],
    })
  }
}
