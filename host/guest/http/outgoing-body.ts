/** `outgoing-body`: the handle through which a guest writes a body and says that it is complete. */
import type { ByteSink } from '../bytes.ts'
import { WitError } from '../wit-error.ts'
import type { BodyContent } from './body-content.ts'
import type { Fields } from './fields.ts'
import { Resource, type HttpWorld } from './resource.ts'

export class OutgoingBody extends Resource {
  readonly #content: BodyContent
  #isTaken = false

  constructor(world: HttpWorld, content: BodyContent) {
    super(world)
    this.#content = content
  }

  /** @throws WitError the second time */
  write(): object {
    if (this.#isTaken) throw new WitError(undefined)
    this.#isTaken = true
    return this.world.context.io.outputStream(new ChildSink(this.#content, this.adopt()))
  }

  /** @throws WitError error-code where the length is not the declared one; (a trap) while the stream lives */
  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    body.surrender()
    trailers?.surrender()
    const error = body.#content.finish(trailers === undefined ? null : trailers.list.flat)
    if (error !== null) throw new WitError(error)
  }

  /** Dropped without `finish`: the body counts as corrupt. */
  protected override dropped(): void {
    this.#content.abort()
  }
}

/** A sink that tells its parent when the guest has dropped it. */
class ChildSink implements ByteSink {
  readonly #content: BodyContent
  readonly #gone: () => void
  #isClosed = false

  constructor(content: BodyContent, gone: () => void) {
    this.#content = content
    this.#gone = gone
  }

  capacity(): number | null {
    return this.#isClosed ? null : this.#content.capacity()
  }

  write(bytes: Uint8Array): void {
    this.#content.write(bytes)
  }

  flush(): void {
    this.#content.flush()
  }

  ready(): boolean {
    return this.#isClosed || this.#content.ready()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#gone()
  }
}
