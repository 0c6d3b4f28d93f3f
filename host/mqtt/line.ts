/**
 * The line to a broker, watched: a packet that never ends would fill the memory of the parser, which waits for its last
 * byte. TLS is always checked against the certificates that are trusted.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface LineOptions {
  readonly url: URL
  /** PEM; the program's own trust where it is null. */
  readonly ca: string | null
  /** Bytes that may come before a packet is whole. */
  readonly mostBytes: number
}

export interface Line {
  readonly socket: Socket
  /** A packet was read: begins to count anew. */
  packetRead(): void
}

/** @param tooMuch called once, when more has come than one packet may have; the line is cut then */
export function openLine({ url, ca, mostBytes }: LineOptions, tooMuch: () => void): Line {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port) || (url.protocol === 'mqtts:' ? 8883 : 1883)
  const socket =
    url.protocol === 'mqtts:'
      ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...(ca !== null && { ca }) })
      : connectPlain({ host, port })
  socket.setNoDelay(true)
  let bytes = 0
  socket.on('data', (piece: Buffer) => {
    bytes += piece.length
    if (bytes <= mostBytes || socket.destroyed) return
    tooMuch()
    socket.destroy()
  })
  return { socket, packetRead: () => (bytes = 0) }
}
