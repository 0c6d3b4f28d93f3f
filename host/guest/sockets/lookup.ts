/** wasi:sockets/ip-name-lookup: names to addresses, asked of the node and had when they are there. */
import { domainToASCII } from 'node:url'
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
    const asked = askFor(context, name)
    return Array.isArray(asked)
      ? new ResolveAddressStream(context, null, asked)
      : new ResolveAddressStream(context, asked, [])
  }

  resolveNextAddress(): IpAddress | undefined {
    if (this.#channel !== null) {
      const answer = takeMessage(this.#channel, this.#context)
      this.#close()
      this.#addresses = addressesOf(answer)
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

/**
 * Asks the node for a name's addresses; those of an address in text are known here.
 * @returns the addresses, or the channel through which they come
 * @throws WitError `access-denied`, `invalid-argument`
 */
export function askFor(context: PartContext, name: string): IpAddress[] | GuestChannel {
  const literal = parseIp(/^\[(.*:.*)\]$/.exec(name)?.[1] ?? name)
  checkGranted(context, 'lookup', name.slice(0, maxNameChars))
  if (literal !== null) return [literal]
  if (!isName(name)) throw fail('invalid-argument')
  return context.line.open(socketsId, 'resolve', [name])
}

/** @param answer of the node. @throws WitError */
export function addressesOf(answer: unknown): IpAddress[] {
  const found = answer as WireAddresses
  if (!found.ok) throw fail(found.error)
  return found.addresses.flatMap((text) => parseIp(text) ?? [])
}

/** Labels of a name as they go into a query: letters of any script became these, and `_` is in use. */
const labels = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?$/i

/**
 * RFC 1035 and IDNA: what is no name is said at once, and not asked of a resolver, which may answer anything. The
 * conversion would take the host out of a URL and decode `%`; here neither is meant.
 */
function isName(name: string): boolean {
  return name.length <= maxNameChars && !/[/\\?#%@:]/.test(name) && labels.test(domainToASCII(name))
}
