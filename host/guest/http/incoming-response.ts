/** `incoming-response`, and the future that it comes out of. */
import { WitError } from '../wit-error.ts'
import type { BodyFeed } from './body-feed.ts'
import type { HttpErrorCode } from './error-code.ts'
import { FieldList } from './field-list.ts'
import { Fields } from './fields.ts'
import { IncomingBody, type Result } from './incoming-body.ts'
import type { OutgoingExchange } from './outgoing-exchange.ts'
import { Resource, type HttpWorld } from './resource.ts'

export class IncomingResponse extends Resource {
  readonly #status: number
  readonly #list: FieldList
  #feed: BodyFeed | null

  constructor(world: HttpWorld, status: number, list: FieldList, feed: BodyFeed) {
    super(world)
    this.#status = status
    this.#list = list
    this.#feed = feed
    world.spend(list.bytes)
  }

  status(): number {
    return this.#status
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

export class FutureIncomingResponse extends Resource {
  readonly #exchange: OutgoingExchange
  #isTaken = false

  constructor(world: HttpWorld, exchange: OutgoingExchange) {
    super(world)
    this.#exchange = exchange
  }

  subscribe(): object {
    return this.world.context.io.pollable({ ready: () => this.#isTaken || this.#exchange.ready() })
  }

  get(): Result<Result<IncomingResponse, HttpErrorCode>, undefined> | undefined {
    if (this.#isTaken) return { tag: 'err', val: undefined }
    const outcome = this.#exchange.outcome()
    if (outcome === null) return undefined
    this.#isTaken = true
    if ('code' in outcome) return { tag: 'ok', val: { tag: 'err', val: outcome.code } }
    const { status, headers, feed } = outcome
    const response = new IncomingResponse(this.world, status, new FieldList([...headers]), feed)
    return { tag: 'ok', val: { tag: 'ok', val: response } }
  }

  /** Nobody waits for the response any more. */
  protected override dropped(): void {
    if (!this.#isTaken) this.#exchange.forgetResponse()
  }
}
