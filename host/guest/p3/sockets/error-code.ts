/** `wasi:sockets/types.error-code` 0.3: a variant, where 0.2 has an enum with cases for what no longer happens. */
import type { StreamFailure } from '../../bytes.ts'
import { networkErrorCodes } from '../../sockets/wire.ts'
import { WitError } from '../../wit-error.ts'

export interface SocketCode {
  readonly tag: string
  readonly val?: string
}

/** What 0.2 says and 0.3 has no case for. */
const renamed: Readonly<Record<string, SocketCode>> = {
  unknown: { tag: 'other' },
  'concurrency-conflict': { tag: 'invalid-state' },
  'not-in-progress': { tag: 'invalid-state' },
  // A write to a connection that has ended (EPIPE).
  pipe: { tag: 'connection-broken' },
}

const onlyOlder: readonly string[] = ['would-block', 'new-socket-limit']
const onlyOfLookup: readonly string[] = [
  'name-unresolvable',
  'temporary-resolver-failure',
  'permanent-resolver-failure',
]
/** `wasi:sockets/ip-name-lookup.error-code`; the rest is told in words. */
const lookupCodes: readonly string[] = [...onlyOfLookup, 'access-denied', 'invalid-argument']

/** @param code of 0.2, or `pipe` */
export function socketCode(code: string): SocketCode {
  const other = renamed[code]
  if (other !== undefined) return other
  const isKnown = networkErrorCodes.some((known) => known === code) && !onlyOlder.includes(code)
  return isKnown && !onlyOfLookup.includes(code) ? { tag: code } : { tag: 'other', val: code }
}

export function lookupCode(code: string): SocketCode {
  if (lookupCodes.includes(code)) return { tag: code }
  return code === 'unknown' ? { tag: 'other' } : { tag: 'other', val: code }
}

export function codeOfFailure({ code, message }: StreamFailure): SocketCode {
  return typeof code === 'string' ? socketCode(code) : { tag: 'other', val: message }
}

/** Runs what fails with the codes of 0.2. @throws WitError with those of 0.3 */
export function asWit<T>(run: () => T, codeOf: (code: string) => SocketCode = socketCode): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof WitError ? new WitError(codeOf(String(error.payload))) : error
  }
}
