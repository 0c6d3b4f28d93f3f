/**
 * What a failed dial says about the other side.
 *
 * A host that answers "nothing listens here" proves that the process is gone; silence proves nothing. Only the host
 * where the peer was last met counts: at its loopback or private addresses another machine may answer, or this one.
 */
import { isSelvedgeError, messageOf } from '../../core/index.ts'
import { transportProblems } from './problems.ts'

/** `refused` is proof of a dead process; `admission` means it lives and one side will not have the other. */
export type DialFailure = 'refused' | 'unreachable' | 'timeout' | 'admission'

/** What the error of a dial proves of the other side. */
export function dialFailureOf(error: unknown): DialFailure {
  if (isSelvedgeError(error, 'ERR_DIAL_REFUSED')) return 'refused'
  if (isSelvedgeError(error, 'ERR_DIAL_TIMEOUT')) return 'timeout'
  if (isSelvedgeError(error, 'ERR_ADMISSION_REFUSED', 'ERR_PEER_BANNED')) return 'admission'
  return 'unreachable'
}

export interface AddressFailure {
  readonly address: string
  readonly error: unknown
  /** It is the address of the host where the peer was last met, or nobody knows better. */
  readonly isTelling: boolean
}

/** Sums up the attempts at all addresses of one peer in one error. */
export function dialError(who: string, failures: readonly AddressFailure[]): Error {
  const telling = failures.filter((failure) => failure.isTelling)
  const kinds = telling.map((failure) => kindOf(failure.error))
  const tried = failures.map(({ address, error }) => `${address} (${shortReason(error)})`).join(', ')
  const cause =
    failures.length === 1 ? failures[0]?.error : new AggregateError(failures.map(({ error }) => error))
  if (telling.length > 0 && kinds.every((kind) => kind === 'refused')) {
    return transportProblems.error('ERR_DIAL_REFUSED', `nothing listens at ${who}: tried ${tried}`, { cause })
  }
  if (kinds.includes('timeout')) {
    return transportProblems.error('ERR_DIAL_TIMEOUT', `${who} did not answer: tried ${tried}`, { cause })
  }
  return transportProblems.error('ERR_DIAL_UNREACHABLE', `${who} cannot be reached: tried ${tried}`, {
    cause,
  })
}

function kindOf(error: unknown): DialFailure {
  const codes = systemCodes(error)
  if (codes.length > 0 && codes.every((code) => code === 'ECONNREFUSED')) return 'refused'
  const name = error instanceof Error ? error.name : ''
  if (codes.includes('ETIMEDOUT') || name === 'TimeoutError' || name === 'AbortError') return 'timeout'
  return 'unreachable'
}

function systemCodes(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(systemCodes)
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? [code] : []
}

/** The hosts that answered, as the system names them: what a name led to. */
export function hostsIn(error: unknown): string[] {
  if (error instanceof AggregateError) return error.errors.flatMap(hostsIn)
  const address = (error as { address?: unknown } | undefined)?.address
  return typeof address === 'string' ? [address] : []
}

function shortReason(error: unknown): string {
  return kindOf(error) === 'timeout' ? 'no answer' : (systemCodes(error)[0] ?? messageOf(error))
}
