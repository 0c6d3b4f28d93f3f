/** What a failure of TLS means, in words that say what to do. The codes are those of Node.js and of OpenSSL behind it. */

interface Failure {
  readonly code?: unknown
  readonly cause?: unknown
  readonly message?: unknown
  /** Of a certificate for another name: what it is for. */
  readonly cert?: { readonly subjectaltname?: unknown }
}

const untrusted =
  'its certificate is signed by nobody whom this node trusts; name the file with its CA, or with itself, as ca'
const words: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'its certificate has ended, or this node’s clock is ahead',
  CERT_NOT_YET_VALID: 'its certificate begins later, or this node’s clock is behind',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_UNTRUSTED: untrusted,
  CERT_SIGNATURE_FAILURE: 'its certificate is signed by another key than that of the CA in ca',
  CERT_REVOKED: 'its certificate was revoked',
  INVALID_PURPOSE: 'its certificate is not one for servers',
  EE_KEY_TOO_SMALL: 'the key of its certificate is too small',
  CA_MD_TOO_WEAK: 'its certificate is signed by a method that is not safe any more',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS at that port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS at that port',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'it speaks only versions of TLS that are not safe any more',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'it speaks no version of TLS that this node speaks',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: 'it wants a certificate of this node; name certificate and key',
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE:
    'it refuses the connection; it may want a certificate of this node: certificate and key',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the CA of this node’s certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'it refuses this node’s certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'it refuses this node’s certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'it says that this node’s certificate has ended',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'it refuses this node’s certificate',
}

/** @param host as it was asked for @returns null for what is no failure of TLS */
export function tlsWords(error: unknown, host: string): string | null {
  for (let at = error as Failure | null | undefined, depth = 0; at && depth < 4; depth += 1) {
    const code = typeof at.code === 'string' ? at.code : ''
    if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return otherName(at, host)
    const known = words[code]
    if (known !== undefined) return known
    if (code.startsWith('ERR_SSL_')) return `TLS failed: ${String(at.message).slice(0, 160)}`
    at = at.cause as Failure | null | undefined
  }
  return null
}

function otherName({ cert }: Failure, host: string): string {
  const names = typeof cert?.subjectaltname === 'string' ? cert.subjectaltname.slice(0, 200) : 'other names'
  return `its certificate is for ${names}, and not for ${host}`
}
