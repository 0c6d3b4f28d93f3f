/** `outgoing-request`: a request while the guest puts it together. Whether it may be sent, `handle` says. */
import { WitError } from '../wit-error.ts'
import { BodyContent } from './body-content.ts'
import { contentLengthOf, type FieldList } from './field-list.ts'
import { Fields } from './fields.ts'
import { methodText, type Variant } from './method.ts'
import { OutgoingBody } from './outgoing-body.ts'
import { Resource, type HttpWorld } from './resource.ts'
import { isAuthority, isMethod, isPathWithQuery, isScheme } from './syntax.ts'

export class OutgoingRequest extends Resource {
  readonly list: FieldList
  /** null where the guest has not asked for it: then there is none. */
  content: BodyContent | null = null
  #method: Variant = { tag: 'get' }
  #path: string | undefined
  #scheme: Variant | undefined
  #authority: string | undefined

  constructor(world: HttpWorld, headers: Fields) {
    super(world)
    headers.surrender()
    this.list = headers.list
    world.spend(this.list.bytes)
  }

  /** @throws WitError the second time */
  body(): OutgoingBody {
    if (this.content !== null) throw new WitError(undefined)
    this.content = new BodyContent(this.world, 'HTTP-request-body-size', contentLengthOf(this.list) ?? null)
    return new OutgoingBody(this.world, this.content)
  }

  method(): Variant {
    return this.#method
  }

  /** @throws WitError for what is no method */
  setMethod(method: Variant): void {
    if (!isMethod(methodText(method))) throw new WitError(undefined)
    this.#method = method
  }

  pathWithQuery(): string | undefined {
    return this.#path
  }

  /** @throws WitError for what is no path and query */
  setPathWithQuery(path: string | undefined): void {
    if (path !== undefined && path !== '' && !isPathWithQuery(path)) throw new WitError(undefined)
    this.#path = path
  }

  scheme(): Variant | undefined {
    return this.#scheme
  }

  /** @throws WitError for what is no scheme */
  setScheme(scheme: Variant | undefined): void {
    if (scheme?.tag === 'other' && !isScheme(scheme.val ?? '')) throw new WitError(undefined)
    this.#scheme = scheme
  }

  authority(): string | undefined {
    return this.#authority
  }

  /** @throws WitError for what is no host with an optional port */
  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !isAuthority(authority)) throw new WitError(undefined)
    this.#authority = authority
  }

  headers(): Fields {
    return new Fields(this.world, this.list, this, true)
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
