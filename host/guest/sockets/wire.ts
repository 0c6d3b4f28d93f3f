/** What the two halves of wasi:sockets say to each other. Addresses travel as text, as node:net has them. */

export const socketsPartName = 'wasi:sockets'
/** All functions of the node's half are bound behind this one. */
export const socketsId = 'wasi:sockets/network@0.2.12'

/** `error-code` of wasi:sockets/network. */
export const networkErrorCodes = [
  'unknown',
  'access-denied',
  'not-supported',
  'invalid-argument',
  'out-of-memory',
  'timeout',
  'concurrency-conflict',
  'not-in-progress',
  'would-block',
  'invalid-state',
  'new-socket-limit',
  'address-not-bindable',
  'address-in-use',
  'remote-unreachable',
  'connection-refused',
  'connection-reset',
  'connection-aborted',
  'datagram-too-large',
  'name-unresolvable',
  'temporary-resolver-failure',
  'permanent-resolver-failure',
] as const
export type NetworkErrorCode = (typeof networkErrorCodes)[number]

export type Family = 'ipv4' | 'ipv6'

export interface WireAddress {
  readonly family: Family
  /** `127.0.0.1`, `fe80::1`, without a zone. */
  readonly host: string
  readonly port: number
}

/** What an app may be allowed to do. */
export type NetworkUse = 'tcp-connect' | 'tcp-listen' | 'udp' | 'udp-listen' | 'lookup'

export interface ConnectOptions {
  /** Where the guest bound the socket before. */
  readonly local: WireAddress | null
  readonly remote: WireAddress
  readonly keepAliveMs: number | null
}

/** The first message of each channel. */
export type WireOpened =
  | { readonly ok: true; readonly local: WireAddress; readonly remote: WireAddress | null }
  | { readonly ok: false; readonly error: NetworkErrorCode }

/** Then, of a listening socket: a connection waits, to be had with the channel `accepted`. */
export interface WireConnection {
  readonly token: number
  readonly remote: WireAddress
  readonly local: WireAddress
}

/** Of a UDP socket, from the node. */
export type WireUdpNews =
  | { readonly data: Uint8Array; readonly from: WireAddress }
  /** What became of the datagram with this number. */
  | { readonly sent: number; readonly error: NetworkErrorCode | null }
  /** What the network said of datagrams sent before (ICMP), which only a connected socket is told. */
  | { readonly failed: NetworkErrorCode }
  | { readonly associated: WireOpened }
/** And from the guest. */
export type WireUdpRequest =
  | { readonly data: Uint8Array; readonly to: WireAddress; readonly number: number }
  /** Room for so many more. */
  | { readonly room: number }
  /** Connect to this peer, or to nobody in particular. Answered with `associated`. */
  | { readonly associate: WireAddress | null }

export type WireAddresses =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly error: NetworkErrorCode }

/** Datagrams under way in either direction of one socket; what comes beyond is dropped, as UDP may. */
export const datagramWindow = 64
/** Connections that wait for `accept`; further ones are closed. */
export const maxWaitingConnections = 128
/** The largest payload of UDP over IPv4: 65535 less both headers. */
export const maxDatagramBytes = 65_507
