/** wasi:sockets/ip-name-lookup: names to addresses, asked of the node and had when they are there. */
import { dispose } from '../io/index.ts'
import type { GuestChannel } from '../line.ts'
import type { PartContext } from '../part.ts'
import { parseIp, type IpAddress } from './address.ts'
import { checkGranted, fail, takeMessage, type Network } from './network.ts'
import { socketsId, type WireAddresses } from './wire.ts'

/** RFC 1035 has 253 characters; a little more for what IDNA makes shorter or longer. */
const maxNameChars = 255

export class ResolveAddressStream {
  readonly #context: PartContext
  readonly #release: () => void
  #channel: GuestChannel | null
  #addresses: IpAddress[]

  private constructor(context: PartContext, channel: GuestChannel | null, addresses: IpAddress[]) {
    this.#release = context.hold()
    this.#context = context
    this.#channel = channel
    this.#addresses = addresses
  }

  /** @throws WitError `access-denied`, `invalid-argument` */
  static start(context: PartContext, _network: Network, name: string): ResolveAddressStream {
    const literal = parseIp(/^\[(.*:.*)\]$/.exec(name)?.[1] ?? name)
    checkGranted(context, 'lookup', name.slice(0, maxNameChars))
    if (literal !== null) return new ResolveAddressStream(context, null, [literal])
    if (!isName(name)) throw fail('invalid-argument')
    return new ResolveAddressStream(context, context.line.open(socketsId, 'resolve', [name]), [])
  }

  resolveNextAddress(): IpAddress | undefined {
    if (this.#channel !== null) {
      const answer = takeMessage(this.#channel, this.#context) as WireAddresses
      this.#close()
      if (!answer.ok) throw fail(answer.error)
      this.#addresses = answer.addresses.flatMap((text) => parseIp(text) ?? [])
    }
    return this.#addresses.shift()
  }

  subscribe(): object {
    return this.#context.io.pollable({ ready: () => this.#channel?.ready() ?? true })
  }

  [dispose](): void {
    this.#close()
    this.#release()
  }

  #close(): void {
    this.#channel?.close()
    this.#channel = null
  }
}

function isName(name: string): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be in it
  return name !== '' && name.length <= maxNameChars && !/[\u0000-\u0020:/\\@[\]]|\.\.|^\./.test(name)
}
