/**
 * The WASI 0.2 interfaces that every sandbox has. No grant opens them: without one they reach nothing outside the
 * app. Folders are granted, and then seen as preopens, by whatever asks for those.
 */
import type { OfferedInterface } from './contract.ts'
import { preview1Interface } from './preview1-offer.ts'

export interface EngineOffer extends OfferedInterface {
  readonly grantKind: null
  /** A kind of grant that it, given to all, does more with: `folder`. */
  readonly allowedBy?: string
  readonly summary: string
}

/** The patch level of the interfaces below; guests of every earlier 0.2 link with it. */
const version = '0.2.12'

const preopensPath = 'wasi:filesystem/preopens'

const summaries: Readonly<Record<string, string>> = {
  'wasi:cli/environment': 'arguments and environment variables; both are empty',
  'wasi:cli/exit': 'end the instance',
  'wasi:cli/stdin': 'standard input; always at its end',
  'wasi:cli/stdout': 'lines into the log of the app',
  'wasi:cli/stderr': 'lines into the log of the app',
  'wasi:cli/terminal-input': 'there is no terminal',
  'wasi:cli/terminal-output': 'there is no terminal',
  'wasi:cli/terminal-stdin': 'there is no terminal',
  'wasi:cli/terminal-stdout': 'there is no terminal',
  'wasi:cli/terminal-stderr': 'there is no terminal',
  'wasi:clocks/monotonic-clock': 'elapsed time and timers',
  'wasi:clocks/wall-clock': 'the date, as this node believes it to be',
  [preopensPath]: 'granted folders',
  'wasi:filesystem/types': 'files inside granted folders',
  'wasi:io/error': 'errors of streams',
  'wasi:io/poll': 'wait for timers',
  'wasi:io/streams': 'bytes in and out',
  'wasi:random/random': 'secure random numbers',
  'wasi:random/insecure': 'random numbers',
  'wasi:random/insecure-seed': 'a random seed',
}

/** What the engine itself provides, for refusals and `selvedge interfaces`. */
export const engineOffers: readonly EngineOffer[] = [
  ...Object.entries(summaries).map(([path, summary]) => ({
    id: `${path}@${version}`,
    grantKind: null,
    summary,
    ...(path === preopensPath ? { allowedBy: 'folder' } : {}),
  })),
  { id: preview1Interface, grantKind: null, summary: 'all of the above, for core modules of WASI preview1' },
]
