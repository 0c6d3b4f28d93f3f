/** The newest heartbeat of each present admin: the record on the disk, when it was heard in memory only. */
import { shortDigest, type Clock, type DurableFolder } from '../../core/index.ts'
import type { OnAlarm } from './alarm.ts'
import { maxHeartbeatBytes, readHeartbeat, refused, type SignedHeartbeat } from './heartbeat.ts'
import { readKept } from './kept-files.ts'
import type { Trust } from './trust-store.ts'
import { Turns } from './turns.ts'

/** Files looked at; a bundle names at most 16 admins. */
const maxFiles = 64
const fileSuffix = '.cose'

export interface HeartbeatStoreOptions {
  readonly trust: Trust
  readonly folder: DurableFolder
  readonly clock: Clock
  readonly onAlarm: OnAlarm
}

/** What a node knows of the last sign from the mesh's admins. */
export interface LastHeartbeat {
  readonly heartbeat: SignedHeartbeat
  /** Milliseconds since it came, by the local monotonic clock; null where none came since this node was started. */
  readonly ageMs: number | null
}

/** Reads what was kept; what does not verify is removed and reported. */
export async function openHeartbeatStore(options: HeartbeatStoreOptions): Promise<HeartbeatStore> {
  const { folder, trust, onAlarm } = options
  const held = new Map<string, SignedHeartbeat>()
  const files = { folder, onAlarm, what: 'heartbeat', maxFiles, maxBytes: maxHeartbeatBytes }
  await readKept(files, (bytes, name) => {
    const heartbeat = readHeartbeat(bytes)
    if (heartbeat.record.mesh !== trust.meshId) throw new Error('it is of another mesh')
    if (name !== fileName(heartbeat)) throw new Error('its name is not that of its admin')
    held.set(heartbeat.name, heartbeat)
  })
  return new HeartbeatStore(options, held)
}

export class HeartbeatStore {
  readonly #options: HeartbeatStoreOptions
  readonly #held: Map<string, SignedHeartbeat>
  /** `clock.monotonicMs()` when it came, by the name of the admin. */
  readonly #receivedMs = new Map<string, number>()
  readonly #turns = new Turns()
  readonly #listeners = new Set<() => void>()

  /** Use {@link openHeartbeatStore}. */
  constructor(options: HeartbeatStoreOptions, held: Map<string, SignedHeartbeat>) {
    this.#options = options
    this.#held = held
  }

  /**
   * Takes a heartbeat from anybody; on the disk when resolved.
   * @throws ERR_HEARTBEAT where it is malformed, of another mesh, or of nobody who is an admin now
   */
  offer(bytes: Uint8Array): Promise<{ outcome: 'accepted' | 'known' | 'older'; heartbeat: SignedHeartbeat }> {
    return this.#turns.take(async () => {
      const heartbeat = readHeartbeat(bytes)
      const { trust, folder, clock } = this.#options
      const { record, name, digest } = heartbeat
      if (record.mesh !== trust.meshId) throw refused(`it is of mesh ${shortDigest(record.mesh)}`)
      if (!trust.isAdmin(heartbeat.admin)) throw refused(`${name.slice(0, 16)}… is no admin of this mesh`)
      const held = this.#held.get(name)
      if (held?.digest === digest) return { outcome: 'known', heartbeat }
      // Two with one number: the smaller digest, as with all heads.
      const isNewer =
        held === undefined ||
        record.counter > held.record.counter ||
        (record.counter === held.record.counter && digest < held.digest)
      if (!isNewer) return { outcome: 'older', heartbeat }
      await folder.write(fileName(heartbeat), bytes)
      this.#held.set(name, heartbeat)
      this.#receivedMs.set(name, clock.monotonicMs())
      await this.#forgetOthers()
      for (const listener of this.#listeners) listener()
      return { outcome: 'accepted', heartbeat }
    })
  }

  /** The newest of each admin of now. */
  all(): SignedHeartbeat[] {
    return [...this.#held.values()].filter(({ admin }) => this.#options.trust.isAdmin(admin))
  }

  /** The one heard last; of those that were not heard since the start the one with the latest date. */
  last(): LastHeartbeat | null {
    const now = this.#options.clock.monotonicMs()
    const all = this.all().map((heartbeat): LastHeartbeat => {
      const receivedMs = this.#receivedMs.get(heartbeat.name)
      return { heartbeat, ageMs: receivedMs === undefined ? null : now - receivedMs }
    })
    const never = Number.POSITIVE_INFINITY
    all.sort(
      (a, b) =>
        compareAges(a.ageMs ?? never, b.ageMs ?? never) || b.heartbeat.record.at - a.heartbeat.record.at,
    )
    return all[0] ?? null
  }

  /** What number an admin's next one should have. */
  nextCounter(admin: Uint8Array): number {
    const held = [...this.#held.values()].find((heartbeat) => Buffer.compare(heartbeat.admin, admin) === 0)
    return (held?.record.counter ?? 0) + 1
  }

  /** Calls `listener` after each one that is new. @returns how to stop that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Keeps the folder as small as the list of admins: keys that were replaced leave nothing behind. */
  async #forgetOthers(): Promise<void> {
    for (const [name, heartbeat] of this.#held) {
      if (this.#options.trust.isAdmin(heartbeat.admin)) continue
      this.#held.delete(name)
      this.#receivedMs.delete(name)
      await this.#options.folder.remove(fileName(heartbeat))
    }
  }
}

function compareAges(a: number, b: number): number {
  return a === b ? 0 : a - b
}

function fileName({ name }: SignedHeartbeat): string {
  return `${name}${fileSuffix}`
}
