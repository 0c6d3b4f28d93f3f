/**
 * The line to a broker, watched: a packet that never ends would fill the memory of the parser, which waits for its last
 * byte. TLS is always checked against the certificates that are trusted.
 */
import { connect as connectPlain, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { IClientOptions, MqttClient } from 'mqtt'
import type { TlsFiles } from '../tls/index.ts'

export interface LineOptions {
  readonly url: URL
  readonly tls: TlsFiles
  /** Bytes that may come before a packet is whole. */
  readonly mostBytes: number
}

export interface Line {
  readonly stream: Duplex
  /** A packet was read: begins to count anew. */
  packetRead(): void
}

/** @param tooMuch called once, when more has come than one packet may have; the line is cut then */
export type OpenLine = (options: LineOptions, tooMuch: () => void) => Line

/** Loads what a line to this address needs. */
export async function lineOpener({ protocol }: URL): Promise<OpenLine> {
  if (!protocol.startsWith('ws')) return (options, tooMuch) => watched(byTcp(options), options, tooMuch)
  // Of use only to a broker behind a proxy for the web.
  // CommonJS that calls itself a module: some loaders hand over its default, some what it is in.
  const loaded = (await import('mqtt/lib/connect/ws')) as unknown as Partial<WebSockets> & {
    readonly default?: Partial<WebSockets>
  }
  const streamBuilder = loaded.streamBuilder ?? loaded.default?.streamBuilder
  if (streamBuilder === undefined) throw new Error('the library for MQTT has no WebSockets')
  return (options, tooMuch) => watched(byWebSocket(options, streamBuilder), options, tooMuch)
}

type StreamBuilder = (client: MqttClient, options: IClientOptions) => Duplex

interface WebSockets {
  readonly streamBuilder: StreamBuilder
}

function byTcp({ url, tls }: LineOptions): Duplex {
  const host = hostOf(url)
  const port = Number(url.port) || (url.protocol === 'mqtts:' ? 8883 : 1883)
  const socket =
    url.protocol === 'mqtts:'
      ? connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...filesOf(tls) })
      : connectPlain({ host, port })
  return socket.setNoDelay(true)
}

function byWebSocket({ url, tls, mostBytes }: LineOptions, build: StreamBuilder): Duplex {
  const protocol = url.protocol === 'wss:' ? 'wss' : 'ws'
  return build(undefined as unknown as MqttClient, {
    protocol,
    hostname: url.hostname,
    port: Number(url.port) || (protocol === 'wss' ? 443 : 80),
    path: url.pathname,
    // A proxy's redirection would be to another place than its owner wrote down.
    wsOptions: { ...filesOf(tls), maxPayload: mostBytes, followRedirects: false, perMessageDeflate: false },
  })
}

function watched(stream: Duplex, { mostBytes }: LineOptions, tooMuch: () => void): Line {
  let bytes = 0
  stream.on('data', (piece: Buffer) => {
    bytes += piece.length
    if (bytes <= mostBytes || stream.destroyed) return
    tooMuch()
    stream.destroy()
  })
  return { stream, packetRead: () => (bytes = 0) }
}

function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}

/** Said outright, as the environment of the process could have Node.js take any certificate. */
function filesOf({ ca, cert, key }: TlsFiles): object {
  return {
    rejectUnauthorized: true,
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
  }
}
