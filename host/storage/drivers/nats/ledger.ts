/**
 * Changes of a store at a NATS server, all or none although the server knows no transactions: what is to be done is
 * decided by replacing the head, if nobody else has replaced it meanwhile, and the new head carries the steps. Whoever
 * comes next does them again if the one who decided them did not get that far; doing them twice does no harm.
 */
import { randomBytes } from 'node:crypto'
import type { JetStreamManager } from '@nats-io/jetstream'
import type { KV } from '@nats-io/kv'
import { delay, systemRandom } from '../../../../core/index.ts'
import { storageProblems } from '../../problems.ts'
import { failed } from '../entry-checks.ts'
import type { NatsServerConnection } from './connection.ts'
import {
  decodeEntry,
  decodeHead,
  decodeSteps,
  emptyHead,
  encodeRecord,
  encodeSteps,
  headName,
  type Content,
  type Entry,
  type Head,
  type Step,
} from './records.ts'

/** What stands inside a record; more goes into pieces. */
export const inlineBytes = 8 * 1024
const inlineStepsBytes = 128 * 1024
/** Each below what a server takes in one message, by its own account. */
const pieceBytes = 512 * 1024
/** Others who write at the same time: each round one of them gets through. */
const mostRounds = 100
/** The server’s word for "somebody else was there first". */
const wrongSequence = 10_071
/** Longer than anybody who is still connected stands still. */
const graveMs = 120_000
/** More are found again by a listing. */
const mostGraves = 100_000
/** Sent without waiting for each other. */
const windowSteps = 64
const nothing: Found = { entry: null, revision: 0 }

export interface Bucket {
  readonly kv: KV
  readonly streams: JetStreamManager['streams']
}

interface Found {
  readonly entry: Entry | null
  /** 0 where there is nothing at all. */
  readonly revision: number
}

interface HeldHead {
  readonly head: Head
  readonly revision: number
}

export type Plan<Result> = (
  head: Head,
  entries: readonly (Entry | null)[],
) => Promise<{
  readonly head: Omit<Head, 'steps'>
  readonly steps: readonly Step[]
  readonly result: Result
}>

export class NatsLedger {
  readonly #connection: NatsServerConnection
  readonly #name: string
  #bucket: Promise<Bucket> | null = null
  /** As it was last seen with its steps done; null where that is not known. */
  #held: HeldHead | null = null
  /** By revision, since when; in that order. */
  readonly #graves = new Map<number, number>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(connection: NatsServerConnection, name: string) {
    this.#connection = connection
    this.#name = name
  }

  /** @throws ERR_STORAGE_FAILED */
  bucket(): Promise<Bucket> {
    this.#bucket ??= this.#connection.bucket(this.#name).catch((error: unknown) => {
      this.#bucket = null
      throw this.#connection.told(error)
    })
    return this.#bucket
  }

  /** @throws ERR_STORAGE_FAILED, ERR_STORAGE_DAMAGED */
  async entry(name: string): Promise<Entry | null> {
    return living(await this.#find(name))
  }

  /** @throws as entry */
  async entries(names: readonly string[]): Promise<readonly (Entry | null)[]> {
    return Promise.all(names.map((name) => this.entry(name)))
  }

  /** Also of what was deleted. */
  async #find(name: string): Promise<Found> {
    const { kv } = await this.bucket()
    const found = await this.#ask(() => kv.get(name))
    if (found === null) return { entry: null, revision: 0 }
    return { entry: found.operation === 'PUT' ? decodeEntry(found.value) : null, revision: found.revision }
  }

  /** The bytes of what an entry has; null where it was replaced meanwhile. */
  async load(content: Content): Promise<Uint8Array | null> {
    if ('inline' in content) return content.inline
    const { kv } = await this.bucket()
    const pieces = await Promise.all(
      Array.from({ length: content.count }, (_, index) =>
        this.#ask(() => kv.get(`c.${content.pieces}.${index}`)),
      ),
    )
    const values = pieces.flatMap((piece) => (piece?.operation === 'PUT' ? [piece.value] : []))
    return values.length === content.count ? Uint8Array.from(Buffer.concat(values)) : null
  }

  /** Puts what is too large for a record into pieces, which nobody sees before a record names them. */
  async store(bytes: Uint8Array, mostInline: number): Promise<Content> {
    if (bytes.length <= mostInline) return { inline: bytes }
    const { kv } = await this.bucket()
    const size = Math.min(pieceBytes, Math.floor((await this.#connection.mostBytes()) / 2))
    const pieces = randomBytes(12).toString('hex')
    const count = Math.ceil(bytes.length / size)
    for (let index = 0; index < count; index += 1) {
      const piece = bytes.subarray(index * size, (index + 1) * size)
      await this.#ask(() => kv.put(`c.${pieces}.${index}`, piece))
    }
    return { pieces, count }
  }

  /** What the store holds, with everything done that was decided. */
  async head(): Promise<Head> {
    return this.#inTurn(async () => (await this.#settled()).head)
  }

  /**
   * Decides and does. The plan may be asked several times, and throws what it refuses.
   * @throws ERR_STORAGE_FAILED; where the answer was lost, it may be done later, as a whole
   */
  change<Result>(names: readonly string[], plan: Plan<Result>): Promise<Result> {
    return this.#inTurn(async () => {
      for (let round = 0; round < mostRounds; round += 1) {
        const { head, revision } = await this.#settled()
        const found = await Promise.all(names.map((name) => this.#find(name)))
        const before = found.map(living)
        const decided = await plan(head, before)
        if (decided.steps.length === 0) return decided.result
        const steps = await this.store(encodeSteps(decided.steps), inlineStepsBytes)
        const next: Head = { ...decided.head, steps }
        const nextRevision = await this.#update(headName, next, revision)
        if (nextRevision !== null) {
          await this.#do(decided.steps, new Map(names.map((name, index) => [name, found[index] ?? nothing])))
          this.#held = { head: next, revision: nextRevision }
          await this.#discard([...before.map((entry) => entry?.content ?? null), head.steps])
          return decided.result
        }
        this.#held = null
        const lost = decided.steps.map(({ entry }) => entry.content)
        await this.#discard([...lost, steps])
        // With chance, so that two who meet do not meet again.
        await delay(this.#connection.clock, systemRandom.fraction() * Math.min(100, 5 * (round + 1)))
      }
      throw failed(`others changed the store ${mostRounds} times before this change could be made`)
    })
  }

  /** One after the other: they would only be in each other’s way. */
  async #inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
    const own = this.#turn.then(run).catch((error: unknown) => {
      // What was decided and not answered is not known: look again.
      if ((error as { code?: unknown }).code !== 'ERR_STORAGE_QUOTA') this.#held = null
      throw this.#connection.told(error)
    })
    this.#turn = own.catch(() => {})
    return own
  }

  async #settled(): Promise<HeldHead> {
    const { kv } = await this.bucket()
    if (this.#held !== null) return this.#held
    const found = await this.#ask(() => kv.get(headName))
    if (found === null) return { head: emptyHead, revision: 0 }
    const head = decodeHead(found.value)
    const steps = await this.load(head.steps)
    // Gone pieces mean that somebody has gone on meanwhile, and had done them before.
    if (steps !== null) await this.#do(decodeSteps(steps), new Map())
    this.#held = { head, revision: found.revision }
    return this.#held
  }

  /** @returns null where somebody else was there first */
  async #update(name: string, record: Head | Entry, revision: number): Promise<number | null> {
    const { kv } = await this.bucket()
    try {
      return await this.#ask(() => kv.put(name, encodeRecord(record), { previousSeq: revision }))
    } catch (error) {
      if ((error as { code?: unknown }).code === wrongSequence) return null
      throw error
    }
  }

  /**
   * In their order, for whoever watches. Nothing newer is written over: whoever decided these may have stood still while
   * others did them, and went on.
   */
  async #do(steps: readonly Step[], known: Map<string, Found>): Promise<void> {
    for (const together of inWindows(steps)) {
      await Promise.all(together.map((step) => this.#doOne(step, known)))
    }
    await this.#clearGraves()
  }

  async #doOne({ name, entry }: Step, known: Map<string, Found>): Promise<void> {
    let present = known.get(name) ?? (await this.#find(name))
    while ((present.entry?.version ?? 0) < entry.version) {
      const revision = await this.#update(name, entry, present.revision)
      present = revision === null ? await this.#find(name) : { entry, revision }
    }
    known.set(name, present)
    if (present.entry?.content === null) this.bury(present.revision)
  }

  /** What was deleted stays for a while as a mark, so that nobody late takes the place for empty. */
  bury(revision: number): void {
    if (this.#graves.has(revision) || this.#graves.size >= mostGraves) return
    this.#graves.set(revision, this.#connection.clock.monotonicMs())
  }

  async #clearGraves(): Promise<void> {
    const { streams } = await this.bucket()
    for (const [revision, atMs] of this.#graves) {
      if (this.#connection.clock.monotonicMs() - atMs < graveMs) return
      this.#graves.delete(revision)
      // One message and no other: under this name there may be a new entry by now.
      await this.#ask(() => streams.deleteMessage(`KV_${this.#name}`, revision, false)).catch(() => {})
    }
  }

  /** Pieces that no record names any more. Where that fails they only take room. */
  async #discard(contents: readonly (Content | null)[]): Promise<void> {
    const { streams } = await this.bucket()
    for (const content of contents) {
      if (content === null || 'inline' in content) continue
      const filter = `$KV.${this.#name}.c.${content.pieces}.*`
      await this.#ask(() => streams.purge(`KV_${this.#name}`, { filter })).catch(() => {})
    }
  }

  #ask<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#connection.ask(work)
  }
}

/** A server takes in order what one connection sends; a key that comes again has to wait for itself. */
function inWindows(steps: readonly Step[]): Step[][] {
  const windows: Step[][] = []
  let names = new Set<string>()
  for (const step of steps) {
    const last = windows.at(-1)
    if (last === undefined || last.length >= windowSteps || names.has(step.name)) {
      windows.push([step])
      names = new Set()
    } else last.push(step)
    names.add(step.name)
  }
  return windows
}

function living({ entry }: Found): Entry | null {
  return entry?.content === null ? null : entry
}

/** @throws ERR_STORAGE_FAILED for an entry that was replaced over and over while it was read */
export async function loadEntry(
  ledger: NatsLedger,
  name: string,
): Promise<{ entry: Entry; value: Uint8Array } | null> {
  for (let round = 0; round < 5; round += 1) {
    const entry = await ledger.entry(name)
    if (entry === null || entry.content === null) return null
    const value = await ledger.load(entry.content)
    if (value !== null) return { entry, value }
  }
  throw storageProblems.error('ERR_STORAGE_FAILED', 'an entry was replaced again and again while it was read')
}
