/** `incoming-body` and `future-trailers`: the other side's body, taken once, and what follows it. */
import type { ByteSource } from '../bytes.ts'
import { WitError } from '../wit-error.ts'
import type { BodyFeed } from './body-feed.ts'
import type { HttpErrorCode } from './error-code.ts'
import { FieldList } from './field-list.ts'
import { Fields } from './fields.ts'
import { Resource, type HttpWorld } from './resource.ts'

export class IncomingBody extends Resource {
  readonly #feed: BodyFeed
  #isTaken = false

  constructor(world: HttpWorld, feed: BodyFeed) {
    super(world)
    this.#feed = feed
  }

  /** @throws WitError the second time */
  stream(): object {
    if (this.#isTaken) throw new WitError(undefined)
    this.#isTaken = true
    return this.world.context.io.inputStream(new ChildSource(this.#feed.source(), this.adopt()))
  }

  /** Throws away what was not read. @throws (a trap) while the stream lives */
  static finish(world: HttpWorld, body: IncomingBody): FutureTrailers {
    body.surrender()
    body.#feed.discard()
    return new FutureTrailers(world, body.#feed)
  }

  protected override dropped(): void {
    this.#feed.release()
  }
}

/** A source that tells its parent when the guest has dropped it. */
class ChildSource implements ByteSource {
  readonly #source: ByteSource
  readonly #gone: () => void

  constructor(source: ByteSource, gone: () => void) {
    this.#source = source
    this.#gone = gone
  }

  read(maxBytes: number): Uint8Array | null {
    return this.#source.read(maxBytes)
  }

  ready(): boolean {
    return this.#source.ready()
  }

  close(): void {
    this.#source.close()
    this.#gone()
  }
}

/** `result` inside a value, as jco spells it. */
export type Result<Ok, Err> =
  | { readonly tag: 'ok'; readonly val: Ok }
  | { readonly tag: 'err'; readonly val: Err }

export class FutureTrailers extends Resource {
  readonly #feed: BodyFeed
  #isTaken = false

  constructor(world: HttpWorld, feed: BodyFeed) {
    super(world)
    this.#feed = feed
  }

  subscribe(): object {
    return this.world.context.io.pollable({ ready: () => this.#isTaken || this.#feed.ready() })
  }

  get(): Result<Result<Fields | undefined, HttpErrorCode>, undefined> | undefined {
    if (this.#isTaken) return { tag: 'err', val: undefined }
    const end = this.#feed.end()
    if (end === null) return undefined
    this.#isTaken = true
    if ('code' in end) return { tag: 'ok', val: { tag: 'err', val: end.code } }
    const trailers =
      end.trailers === null ? undefined : new Fields(this.world, new FieldList([...end.trailers]), this)
    return { tag: 'ok', val: { tag: 'ok', val: trailers } }
  }

  protected override dropped(): void {
    this.#feed.release()
  }
}
