/** What node:http, sockets, resolver and TLS fail with, as wasi:http names it. */
import type { HttpErrorCode } from '../guest/http/index.ts'

const byCode: Readonly<Record<string, HttpErrorCode>> = {
  ENOTFOUND: { tag: 'DNS-error', val: { rcode: 'NXDOMAIN', infoCode: undefined } },
  ENODATA: { tag: 'DNS-error', val: { rcode: 'NODATA', infoCode: undefined } },
  ESERVFAIL: { tag: 'DNS-error', val: { rcode: 'SERVFAIL', infoCode: undefined } },
  EAI_AGAIN: { tag: 'DNS-timeout' },
  ETIMEOUT: { tag: 'DNS-timeout' },
  ECONNREFUSED: { tag: 'connection-refused' },
  ECONNRESET: { tag: 'connection-terminated' },
  ECONNABORTED: { tag: 'connection-terminated' },
  EPIPE: { tag: 'connection-terminated' },
  ETIMEDOUT: { tag: 'connection-timeout' },
  EHOSTUNREACH: { tag: 'destination-IP-unroutable' },
  ENETUNREACH: { tag: 'destination-IP-unroutable' },
  EADDRNOTAVAIL: { tag: 'destination-IP-unroutable' },
  EHOSTDOWN: { tag: 'destination-unavailable' },
  ENETDOWN: { tag: 'destination-unavailable' },
  EACCES: { tag: 'destination-IP-prohibited' },
  EMFILE: { tag: 'connection-limit-reached' },
  ENFILE: { tag: 'connection-limit-reached' },
  EPROTO: { tag: 'TLS-protocol-error' },
  HPE_HEADER_OVERFLOW: { tag: 'HTTP-response-header-section-size', val: undefined },
  HPE_INVALID_EOF_STATE: { tag: 'HTTP-response-incomplete' },
  ERR_INVALID_URL: { tag: 'HTTP-request-URI-invalid' },
  ERR_UNESCAPED_CHARACTERS: { tag: 'HTTP-request-URI-invalid' },
  ERR_INVALID_HTTP_TOKEN: { tag: 'HTTP-request-method-invalid' },
}

/** OpenSSL's verification failures, as Node.js spells them. */
const certificate =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|CRL_|INVALID_(CA|PURPOSE)|ERR_TLS_CERT_)/

/** @param error what a request failed with, or an AggregateError of all addresses that were tried */
export function clientErrorOf(error: unknown): HttpErrorCode {
  const { code, message, errors } = error as { code?: unknown; message?: unknown; errors?: unknown }
  if (typeof code !== 'string') {
    return Array.isArray(errors) && errors.length > 0 ? clientErrorOf(errors[0]) : internal(message)
  }
  const known = byCode[code]
  if (known !== undefined) return known
  if (certificate.test(code)) return { tag: 'TLS-certificate-error' }
  if (code.startsWith('ERR_SSL_')) return tlsErrorOf(code, error as { reason?: unknown })
  if (code.startsWith('HPE_') || code.startsWith('ERR_HTTP_') || code === 'ERR_INVALID_CHAR') {
    return { tag: 'HTTP-protocol-error' }
  }
  return internal(code)
}

/** `ERR_SSL_TLSV1_ALERT_UNKNOWN_CA`; the alert's number is the tail of OpenSSL's reason. */
function tlsErrorOf(code: string, { reason }: { reason?: unknown } & object): HttpErrorCode {
  const alert = /_ALERT_([A-Z_]+)$/.exec(code)?.[1]
  if (alert === undefined) return { tag: 'TLS-protocol-error' }
  const number = typeof reason === 'string' ? /alert number (\d{1,3})/.exec(reason)?.[1] : undefined
  const alertId = number === undefined ? undefined : Number(number)
  return {
    tag: 'TLS-alert-received',
    val: { alertId, alertMessage: alert.toLowerCase().replaceAll('_', ' ') },
  }
}

function internal(why: unknown): HttpErrorCode {
  return { tag: 'internal-error', val: String(why).slice(0, 200) }
}
