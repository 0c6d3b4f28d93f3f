/**
 * The interfaces of WASI 0.3, which every sandbox has that can suspend its guest. They reach what those of 0.2
 * reach; so the client of wasi:http is given to whoever may have the outgoing handler.
 */
import { parseInterface } from '../guest/index.ts'
import type { InterfaceId, OfferedInterface } from './contract.ts'

const version = '0.3.0'
const clientId: InterfaceId = `wasi:http/client@${version}`
const outgoingHandler = 'wasi:http/outgoing-handler'

const summaries: Readonly<Record<string, string>> = {
  'wasi:cli/environment': 'arguments and environment variables',
  'wasi:cli/exit': 'end the instance',
  'wasi:cli/stdin': 'standard input as a stream',
  'wasi:cli/stdout': 'standard output from a stream',
  'wasi:cli/stderr': 'standard error from a stream',
  'wasi:cli/terminal-input': 'whether standard input is a terminal',
  'wasi:cli/terminal-output': 'whether standard output is a terminal',
  'wasi:cli/terminal-stdin': 'whether standard input is a terminal',
  'wasi:cli/terminal-stdout': 'whether standard output is a terminal',
  'wasi:cli/terminal-stderr': 'whether standard error is a terminal',
  'wasi:clocks/monotonic-clock': 'elapsed time, and waiting for it',
  'wasi:clocks/system-clock': 'the date, as this node believes it to be',
  'wasi:filesystem/preopens': 'granted folders',
  'wasi:filesystem/types': 'files inside granted folders',
  'wasi:http/types': 'requests and responses',
  'wasi:random/random': 'secure random numbers',
  'wasi:random/insecure': 'random numbers',
  'wasi:random/insecure-seed': 'a random seed',
  'wasi:sockets/types': 'TCP and UDP sockets, where granted',
  'wasi:sockets/ip-name-lookup': 'names to addresses, where granted',
}

/** Given to all; each does more with a kind of grant, as its forebear of 0.2 does. */
const allowedBy: Readonly<Record<string, string>> = {
  'wasi:filesystem/preopens': 'folder',
  'wasi:sockets/types': 'network',
  'wasi:sockets/ip-name-lookup': 'network',
}

export interface P3Offer extends OfferedInterface {
  readonly summary: string
  /** A kind of grant that it, given to all, does more with: `network`. */
  readonly allowedBy?: string
}

/** For refusals and `selvedge interfaces`. */
export const p3Offers: readonly P3Offer[] = Object.entries(summaries).map(([path, summary]) => ({
  id: `${path}@${version}`,
  grantKind: null,
  summary,
  ...(allowedBy[path] === undefined ? {} : { allowedBy: allowedBy[path] }),
}))

/** All of them, the client too: it takes the grant that the outgoing handler takes among `offered`. */
export function allP3Offers(offered: readonly OfferedInterface[]): readonly P3Offer[] {
  const summary = 'send HTTP requests to granted origins'
  return [
    ...p3Offers,
    ...withClient(offered)
      .slice(offered.length)
      .map((client) => ({ ...client, summary })),
  ]
}

/** With the client, where the outgoing handler is among them. */
export function withClient(offered: readonly OfferedInterface[]): readonly OfferedInterface[] {
  const handler = offered.find(({ id }) => parseInterface(id).path === outgoingHandler)
  return handler === undefined ? offered : [...offered, { id: clientId, grantKind: handler.grantKind }]
}

export function withGrantedClient(granted: readonly InterfaceId[]): readonly InterfaceId[] {
  return granted.some((id) => parseInterface(id).path === outgoingHandler) ? [...granted, clientId] : granted
}
