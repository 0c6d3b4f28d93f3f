/** `outgoing-response` and `response-outparam`: a guest's answer, and the one way to give it. */
import { WitError } from '../wit-error.ts'
import { BodyContent } from './body-content.ts'
import type { HttpErrorCode } from './error-code.ts'
import { contentLengthOf, type FieldList } from './field-list.ts'
import { Fields } from './fields.ts'
import type { Result } from './incoming-body.ts'
import { OutgoingBody } from './outgoing-body.ts'
import { Resource, type HttpWorld } from './resource.ts'
import { isStatusCode } from './syntax.ts'

export class OutgoingResponse extends Resource {
  readonly list: FieldList
  /** null where the guest has not asked for it: then there is none. */
  content: BodyContent | null = null
  #status = 200

  constructor(world: HttpWorld, headers: Fields) {
    super(world)
    headers.surrender()
    this.list = headers.list
    world.spend(this.list.bytes)
  }

  statusCode(): number {
    return this.#status
  }

  /** @throws WitError for what is no status code */
  setStatusCode(status: number): void {
    if (!isStatusCode(status)) throw new WitError(undefined)
    this.#status = status
  }

  headers(): Fields {
    return new Fields(this.world, this.list, this, true)
  }

  /** @throws WitError the second time */
  body(): OutgoingBody {
    if (this.content !== null) throw new WitError(undefined)
    // A length that cannot be read is refused by the node, which sees the headers.
    this.content = new BodyContent(this.world, 'HTTP-response-body-size', contentLengthOf(this.list) ?? null)
    return new OutgoingBody(this.world, this.content)
  }

  override leave(): boolean {
    if (!super.leave()) return false
    this.world.giveBack(this.list.bytes)
    return true
  }

  protected override dropped(): void {
    this.content?.disconnect()
  }
}

/** Takes what a guest answers one request with. */
export interface Responder {
  respond(response: OutgoingResponse): void
  refuse(code: HttpErrorCode): void
}

export class ResponseOutparam extends Resource {
  readonly #responder: Responder

  constructor(world: HttpWorld, responder: Responder) {
    super(world)
    this.#responder = responder
  }

  static set(param: ResponseOutparam, response: Result<OutgoingResponse, HttpErrorCode>): void {
    param.surrender()
    if (response.tag === 'err') return param.#responder.refuse(response.val)
    // Children of it may live on: it has only changed hands.
    response.val.leave()
    param.#responder.respond(response.val)
  }
}
