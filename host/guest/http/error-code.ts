/** `wasi:http/types.error-code` as both halves of the interface write it. */

/** The cases without a payload. */
export type PlainErrorTag =
  | 'DNS-timeout'
  | 'destination-not-found'
  | 'destination-unavailable'
  | 'destination-IP-prohibited'
  | 'destination-IP-unroutable'
  | 'connection-refused'
  | 'connection-terminated'
  | 'connection-timeout'
  | 'connection-read-timeout'
  | 'connection-write-timeout'
  | 'connection-limit-reached'
  | 'TLS-protocol-error'
  | 'TLS-certificate-error'
  | 'HTTP-request-denied'
  | 'HTTP-request-length-required'
  | 'HTTP-request-method-invalid'
  | 'HTTP-request-URI-invalid'
  | 'HTTP-request-URI-too-long'
  | 'HTTP-response-incomplete'
  | 'HTTP-response-timeout'
  | 'HTTP-upgrade-failed'
  | 'HTTP-protocol-error'
  | 'loop-detected'
  | 'configuration-error'

export interface FieldSize {
  readonly fieldName?: string | undefined
  readonly fieldSize?: number | undefined
}

export type HttpErrorCode =
  | { readonly tag: PlainErrorTag }
  | {
      readonly tag: 'DNS-error'
      readonly val: { readonly rcode?: string | undefined; readonly infoCode?: number | undefined }
    }
  | {
      readonly tag: 'TLS-alert-received'
      readonly val: { readonly alertId?: number | undefined; readonly alertMessage?: string | undefined }
    }
  | {
      readonly tag: 'HTTP-request-body-size' | 'HTTP-response-body-size'
      readonly val?: bigint | undefined
    }
  | {
      readonly tag:
        | 'HTTP-request-header-section-size'
        | 'HTTP-request-trailer-section-size'
        | 'HTTP-response-header-section-size'
        | 'HTTP-response-trailer-section-size'
      readonly val?: number | undefined
    }
  | { readonly tag: 'HTTP-request-header-size'; readonly val?: FieldSize | undefined }
  | {
      readonly tag: 'HTTP-request-trailer-size' | 'HTTP-response-header-size' | 'HTTP-response-trailer-size'
      readonly val: FieldSize
    }
  | {
      readonly tag: 'HTTP-response-transfer-coding' | 'HTTP-response-content-coding' | 'internal-error'
      readonly val?: string | undefined
    }

/** Whether something that a stream failed with, or the node sent, is an error code. */
export function isHttpErrorCode(value: unknown): value is HttpErrorCode {
  if (typeof value !== 'object' || value === null || !('tag' in value)) return false
  return (
    typeof value.tag === 'string' &&
    /^(DNS|HTTP|TLS|destination|connection|loop|configuration|internal)-/.test(value.tag)
  )
}
