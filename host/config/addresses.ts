/** Addresses to listen on, as a person writes them. */
import * as v from 'valibot'

/** Where HTTP is listened for. */
export interface HttpAddress {
  readonly host: string
  /** 0 is any free one. */
  readonly port: number
}

/** Reads `HOST:PORT`, an IPv6 address in brackets. @returns null for what is none */
export function parseHttpAddress(text: string): HttpAddress | null {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9][A-Za-z0-9.-]{0,252})):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) return null
  return { host: match[1] ?? match[2] ?? '', port }
}

/** As {@link parseHttpAddress}; a port alone is one of this machine alone. @returns null for what is none */
export function parseMetricsAddress(text: string): HttpAddress | null {
  return parseHttpAddress(/^\d{1,5}$/.test(text) ? `127.0.0.1:${text}` : text)
}

/**
 * As {@link parseHttpAddress}; a port alone is one of `host`. @returns null for what is none
 * @param host this machine alone where it is not said
 */
export function parsePortAddress(text: string, host = '127.0.0.1'): HttpAddress | null {
  if (!/^\d{1,5}$/.test(text)) return parseHttpAddress(text)
  return Number(text) > 65_535 ? null : { host, port: Number(text) }
}

/** A field that holds what {@link parseHttpAddress} reads. */
export const httpAddressField = v.pipe(
  v.string(),
  v.check((text) => parseHttpAddress(text) !== null, 'is no address; write "127.0.0.1:8080" or "[::]:8080"'),
)
