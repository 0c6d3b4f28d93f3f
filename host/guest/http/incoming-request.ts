/** `incoming-request`: what a guest's handler is called with. */
import { WitError } from '../wit-error.ts'
import type { BodyFeed } from './body-feed.ts'
import { FieldList } from './field-list.ts'
import { Fields } from './fields.ts'
import { IncomingBody } from './incoming-body.ts'
import { methodOf, schemeOf, type Variant } from './method.ts'
import { Resource, type HttpWorld } from './resource.ts'
import type { IncomingCall } from './wire.ts'

export class IncomingRequest extends Resource {
  readonly #call: IncomingCall
  readonly #list: FieldList
  #feed: BodyFeed | null

  constructor(world: HttpWorld, call: IncomingCall, feed: BodyFeed) {
    super(world)
    this.#call = call
    this.#feed = feed
    this.#list = new FieldList(call.headers as string[])
    world.spend(this.#list.bytes)
  }

  method(): Variant {
    return methodOf(this.#call.method)
  }

  pathWithQuery(): string | undefined {
    return this.#call.path
  }

  scheme(): Variant | undefined {
    return schemeOf(this.#call.scheme)
  }

  authority(): string | undefined {
    return this.#call.authority
  }

  headers(): Fields {
    return new Fields(this.world, this.#list, this, true)
  }

  /** @throws WitError the second time */
  consume(): IncomingBody {
    const feed = this.#feed
    if (feed === null) throw new WitError(undefined)
    this.#feed = null
    return new IncomingBody(this.world, feed)
  }

  protected override dropped(): void {
    this.world.giveBack(this.#list.bytes)
    this.#feed?.release()
    this.#feed = null
  }
}
