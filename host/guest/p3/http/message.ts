/** `request` and `response` of wasi:http 0.3: a head that can be looked at and set, and a body that is taken once. */
import type { FieldList } from '../../http/field-list.ts'
import { methodOf, type Variant } from '../../http/method.ts'
import { Resource, type HttpWorld } from '../../http/resource.ts'
import { isMethod, isScheme, isStatusCode } from '../../http/syntax.ts'
import { WitError } from '../../wit-error.ts'
import { abandon, type Body } from './body.ts'
import { Fields } from './fields.ts'
import { RequestOptions, type Timeouts } from './request-options.ts'

/** Path and query of RFC 3986 (also relative ones), and raw UTF-8, which happens. */
const target = /^[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\u0080-\u{10ffff}]{0,16384}$/u
/** User, host and port of RFC 3986, 3.2; what a client does with a user is its own decision. */
const authority =
  /^(?:[A-Za-z0-9\-._~!$&'()*+,;=%:]{1,255}@)?(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9\-._~!$&'()*+,;=%]{1,255})(?::\d{1,5})?$/

const maxPort = 65_535

/** The `err` of a result that has no payload. */
const refused = (): WitError => new WitError(undefined)

export class Message extends Resource {
  readonly list: FieldList
  #body: Body | null

  /** @param list the headers; nobody changes them any more */
  constructor(world: HttpWorld, list: FieldList, body: Body) {
    super(world)
    this.list = list
    this.#body = body
    world.spend(list.bytes)
  }

  getHeaders(): Fields {
    return new Fields(this.world, this.list, false)
  }

  /** It passes to the node, or its body back to the guest. */
  takeBody(): Body {
    this.surrender()
    const body = this.#body
    if (body === null) throw new Error('a body of wasi:http was taken twice')
    this.#body = null
    return body
  }

  override leave(): boolean {
    if (!super.leave()) return false
    this.world.giveBack(this.list.bytes)
    return true
  }

  /** Nobody will ever read it, and whoever waits for it to be sent is told. */
  protected override dropped(): void {
    const body = this.#body
    this.#body = null
    if (body?.kind === 'received') body.feed.release()
    else if (body?.kind === 'guest') abandon(body, { tag: 'internal-error', val: 'the message was dropped' })
  }
}

export class RequestMessage extends Message {
  #method: Variant = { tag: 'get' }
  #path: string | undefined
  #scheme: Variant | undefined
  #authority: string | undefined
  #timeouts: Timeouts | undefined

  getMethod(): Variant {
    return this.#method
  }

  setMethod(method: Variant): void {
    if (method.tag === 'other' && !isMethod(method.val ?? '')) throw refused()
    this.#method = method.tag === 'other' ? methodOf(method.val ?? '') : method
  }

  getPathWithQuery(): string | undefined {
    return this.#path
  }

  setPathWithQuery(path: string | undefined): void {
    if (path !== undefined && !target.test(path)) throw refused()
    this.#path = path === '' && this.#method.tag !== 'options' ? '/' : path
  }

  getScheme(): Variant | undefined {
    return this.#scheme
  }

  setScheme(scheme: Variant | undefined): void {
    if (scheme?.tag === 'other' && !isScheme(scheme.val ?? '')) throw refused()
    const known = scheme?.tag === 'other' ? (scheme.val ?? '').toUpperCase() : ''
    this.#scheme = known === 'HTTP' || known === 'HTTPS' ? { tag: known } : scheme
  }

  getAuthority(): string | undefined {
    return this.#authority
  }

  setAuthority(text: string | undefined): void {
    if (text !== undefined && (!authority.test(text) || Number(/:(\d+)$/.exec(text)?.[1] ?? 0) > maxPort))
      throw refused()
    this.#authority = text
  }

  /** What came over the network, which is not for us to find fault with. */
  setReceived(method: Variant, scheme: Variant, authority: string | undefined, path: string): void {
    this.#method = method
    this.#scheme = scheme
    this.#authority = authority
    this.#path = path
  }

  /** A copy each time, and none of them can be changed. */
  getOptions(): RequestOptions | undefined {
    return this.#timeouts === undefined ? undefined : new RequestOptions(this.world, this.#timeouts, false)
  }

  setTimeouts(timeouts: Timeouts | undefined): void {
    this.#timeouts = timeouts
  }

  get timeouts(): Timeouts {
    return this.#timeouts ?? {}
  }
}

export class ResponseMessage extends Message {
  #status = 200

  getStatusCode(): number {
    return this.#status
  }

  setStatusCode(status: number): void {
    if (!isStatusCode(status)) throw refused()
    this.#status = status
  }
}
