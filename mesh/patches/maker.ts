/**
 * Makes patches on a node that has both components: for the release that was just published here, and for peers that
 * were away for more than one and ask. One at a time, each pair once, and none that saves little.
 */
import { messageOf, type Clock, type Digest, type Log } from '../../core/index.ts'
import type { BlobStore } from '../blobs/index.ts'
import { Turns } from '../identity/index.ts'
import { componentsOf, type ComponentRef, type ReleaseLog } from '../releases/index.ts'
import type { PatchCodec } from './codec.ts'
import { isPatchable, patchLimits } from './limits.ts'
import type { PatchStore } from './patch-store.ts'

export interface MakerNeeds {
  readonly store: PatchStore
  readonly blobs: Pick<BlobStore, 'readComponent' | 'readList' | 'holds'>
  readonly releases: Pick<ReleaseLog, 'history'>
  readonly codec: PatchCodec
  readonly clock: Clock
  readonly log: Log
  /** A patch to `target` is being made, or is there, or will not be. */
  onChange(target: Digest): void
}

export class PatchMaker {
  readonly #needs: MakerNeeds
  /** What is made or waits to be, by target, and how many patches of it. */
  readonly #making = new Map<Digest, number>()
  /** Pairs of base and target that a patch was made or not made of. */
  readonly #tried = new Set<string>()
  readonly #turns = new Turns()
  #made = 0

  constructor(needs: MakerNeeds) {
    this.#needs = needs
  }

  /** Patches that were made and kept. */
  get made(): number {
    return this.#made
  }

  isMaking(target: Digest): boolean {
    return this.#making.has(target)
  }

  /** From what a peer has to what runs now, where this node has had both. Never rejects. */
  async makeFor(app: string, target: Digest, bases: readonly Digest[]): Promise<void> {
    const history = this.#needs.releases.history(app)
    const refOf = (records: typeof history, digest: Digest): ComponentRef | undefined =>
      records.flatMap(({ record }) => componentsOf(record)).find((ref) => ref.digest === digest)
    const wanted = refOf(
      history.filter(({ role }) => role === 'head'),
      target,
    )
    if (wanted === undefined) return
    for (const base of bases) {
      const held = refOf(history, base)
      if (held !== undefined) return this.make(held, wanted)
    }
  }

  /** Never rejects: without a patch a release travels in chunks. */
  async make(base: ComponentRef, target: ComponentRef): Promise<void> {
    if (base.digest === target.digest || !isPatchable(base, target)) return
    if (this.#needs.store.find(target.digest, [base.digest]).length > 0) return
    if (!(await this.#isMakeable(base, target))) return
    this.#count(target.digest, 1)
    try {
      await this.#turns.take(() => this.#makeNow(base, target))
    } catch (error) {
      this.#needs.log.info('patch:not-made', { target: target.digest, error: messageOf(error) })
    } finally {
      this.#count(target.digest, -1)
    }
  }

  /** Whether both are here, it was not tried before, and there is no queue. */
  async #isMakeable(base: ComponentRef, target: ComponentRef): Promise<boolean> {
    const { blobs, log } = this.#needs
    const pair = `${base.digest} ${target.digest}`
    try {
      if (!(await blobs.holds(target)) || !(await blobs.holds(base)) || this.#tried.has(pair)) return false
    } catch (error) {
      log.debug('patch:not-made', { target: target.digest, error: messageOf(error) })
      return false
    }
    const waiting = [...this.#making.values()].reduce((sum, count) => sum + count, 0)
    if (waiting >= patchLimits.waitingMakes) return false
    const oldest = this.#tried.keys().next().value
    if (this.#tried.size >= patchLimits.rememberedMakes && oldest !== undefined) this.#tried.delete(oldest)
    this.#tried.add(pair)
    return true
  }

  #count(target: Digest, change: number): void {
    const count = (this.#making.get(target) ?? 0) + change
    if (count === 0) this.#making.delete(target)
    else this.#making.set(target, count)
    this.#needs.onChange(target)
  }

  async #makeNow(base: ComponentRef, target: ComponentRef): Promise<void> {
    const { blobs, codec, store, log, clock } = this.#needs
    const chunkBytes = await this.#chunkBytesBetween(base, target)
    const [from, to] = [await blobs.readComponent(base), await blobs.readComponent(target)]
    if (from === null || to === null || chunkBytes === null) return
    const startedAt = clock.monotonicMs()
    const patch = await codec.make(from, to)
    const tookMs = Math.round(clock.monotonicMs() - startedAt)
    if (patch.length > chunkBytes * patchLimits.worthShare || patch.length > patchLimits.patchBytes) {
      return log.debug('patch:no-gain', { target: target.digest, bytes: patch.length, chunkBytes })
    }
    await store.put(base.digest, target.digest, patch)
    this.#made++
    log.info('patch:made', { target: target.digest, bytes: patch.length, of: target.sizeBytes, tookMs })
  }

  /** What a node with the base would fetch in chunks, the list included; null where that cannot be told. */
  async #chunkBytesBetween(base: ComponentRef, target: ComponentRef): Promise<number | null> {
    const { blobs } = this.#needs
    const [from, to] = [await blobs.readList(base), await blobs.readList(target)]
    if (from === null || to === null) return null
    const held = new Set(from.chunks.map(({ digest }) => digest))
    const lacking = new Map(
      to.chunks.filter(({ digest }) => !held.has(digest)).map((chunk) => [chunk.digest, chunk]),
    )
    return [...lacking.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, target.chunks.sizeBytes)
  }
}
