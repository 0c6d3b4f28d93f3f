/**
 * What a name must not lead an app to: this machine, and the wire it hangs on, where services trust whoever reaches
 * them (a control port, the metadata of a cloud). Whoever answers for a granted name chooses its addresses (DNS
 * rebinding); a grant that means them names `localhost` or the address itself.
 */
import { lookup, type LookupAddress } from 'node:dns'
import { BlockList, type LookupFunction } from 'node:net'
import { isMember, plainAddress } from './sockets/network-rule.ts'

/** RFC 1122, RFC 4291, RFC 3927. */
const own = new BlockList()
own.addSubnet('0.0.0.0', 8, 'ipv4')
own.addSubnet('127.0.0.0', 8, 'ipv4')
own.addSubnet('169.254.0.0', 16, 'ipv4')
own.addAddress('::', 'ipv6')
own.addAddress('::1', 'ipv6')
own.addSubnet('fe80::', 10, 'ipv6')

/** Those that a name may lead to. @param name in lower case, without the dot of the root */
export function reachableBy(name: string, addresses: readonly string[]): string[] {
  // RFC 6761: these names mean this machine, whoever is asked.
  const isOwnName = name === 'localhost' || name.endsWith('.localhost')
  const meant = addresses.map(plainAddress)
  return isOwnName ? meant : meant.filter((address) => !isMember(own, address))
}

type Resolver = (
  name: string,
  options: { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void

/**
 * The system's resolver for connections of an app. Fails with EACCES where a name leads to nothing but this machine.
 * @param refused told of such a name
 */
export function appLookup(
  refused: (name: string) => void,
  resolve: Resolver = lookup as Resolver,
): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return done(error, [])
      const name = hostname.toLowerCase().replace(/\.$/, '')
      const meant = found.filter(({ address }) => reachableBy(name, [address]).length > 0)
      const [first] = meant
      if (first === undefined) {
        refused(name)
        return done(Object.assign(new Error(`${name} leads to this machine`), { code: 'EACCES' }), [])
      }
      if (options.all === true) done(null, meant)
      else done(null, first.address, first.family)
    })
  }
}
