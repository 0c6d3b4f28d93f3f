/** What Node.js calls the errors of a network, and what the WIT does. */
import type { NetworkErrorCode } from '../../guest/index.ts'

const codes: Readonly<Record<string, NetworkErrorCode>> = {
  EACCES: 'access-denied',
  EPERM: 'access-denied',
  EADDRINUSE: 'address-in-use',
  EADDRNOTAVAIL: 'address-not-bindable',
  EAFNOSUPPORT: 'not-supported',
  EINVAL: 'invalid-argument',
  ECONNREFUSED: 'connection-refused',
  ECONNRESET: 'connection-reset',
  EPIPE: 'connection-reset',
  ECONNABORTED: 'connection-aborted',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'remote-unreachable',
  EHOSTDOWN: 'remote-unreachable',
  ENETUNREACH: 'remote-unreachable',
  ENETDOWN: 'remote-unreachable',
  EMSGSIZE: 'datagram-too-large',
  EMFILE: 'new-socket-limit',
  ENFILE: 'new-socket-limit',
  ENOBUFS: 'out-of-memory',
  ENOMEM: 'out-of-memory',
  ENOTFOUND: 'name-unresolvable',
  ENODATA: 'name-unresolvable',
  EAI_AGAIN: 'temporary-resolver-failure',
  EAI_FAIL: 'permanent-resolver-failure',
}

export function errorCodeOf(error: unknown): NetworkErrorCode {
  const { code } = error as NodeJS.ErrnoException
  return codes[code ?? ''] ?? 'unknown'
}
