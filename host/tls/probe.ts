/** One try of a connection to a server, for who wants to know what is wrong with it: nothing is said over it. */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { messageOf, within, type Clock } from '../../core/index.ts'
import type { TlsFiles } from './files.ts'
import { tlsWords } from './words.ts'

export interface TlsProbe {
  readonly host: string
  readonly port: number
  /** null where the server is spoken to without TLS. */
  readonly tls: TlsFiles | null
  /** The server speaks first, in the clear, and TLS begins after its line. */
  readonly greetsFirst?: boolean
}

export interface TlsAnswer {
  /** Of the server's certificate, wall ms; null without TLS. */
  readonly validToMs: number | null
}

const probeMs = 4_000
const late = (): Error => new Error(`no answer in ${probeMs / 1_000} s`)
const maxGreetingBytes = 64 * 1024
/** By TLS 1.3 a server says only after the handshake that it wants a certificate: so long is listened for that. */
const refusalMs = 300

/** @throws Error with what is wrong in words, within seconds */
export async function probeTls(probe: TlsProbe, clock: Clock, signal?: AbortSignal): Promise<TlsAnswer> {
  const { host, port } = probe
  const sockets: Socket[] = []
  try {
    return await within({ clock, ms: probeMs, late, ...(signal && { signal }) }, () =>
      tried(probe, sockets, clock),
    )
  } catch (error) {
    throw new Error(whyNot(error, host, port), { cause: error })
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/**
 * A server that wants a certificate says so after the handshake and hangs up, and who wrote something meanwhile hears only of
 * the end. So a connection that failed for no reason of TLS that it knew is tried once more, and listened to.
 * @returns in words what TLS has against it; null where that is nothing
 */
export async function tlsTrouble(
  error: unknown,
  probe: TlsProbe,
  clock: Clock,
  signal?: AbortSignal,
): Promise<string | null> {
  const known = tlsWords(error, probe.host)
  if (known !== null || probe.tls === null) return known
  return probeTls(probe, clock, signal).then(
    () => null,
    (cause: unknown) => tlsWords(cause, probe.host),
  )
}

async function tried(
  { host, port, tls, greetsFirst = false }: TlsProbe,
  sockets: Socket[],
  clock: Clock,
): Promise<TlsAnswer> {
  const plain = connectPlain({ host, port })
  sockets.push(plain)
  await happens(plain, 'connect')
  if (tls === null) return { validToMs: null }
  if (greetsFirst) await greeting(plain)
  const { ca, cert, key } = tls
  const secure: TLSSocket = connectTls({
    socket: plain,
    rejectUnauthorized: true,
    ...(isIP(host) === 0 ? { servername: host } : { host }),
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
  })
  sockets.unshift(secure)
  await happens(secure, 'secureConnect')
  const validTo = Date.parse(secure.getPeerCertificate().valid_to)
  await new Promise<void>((resolve, reject) => {
    secure.once('error', reject)
    secure.resume()
    clock.after(refusalMs, resolve)
  })
  return { validToMs: Number.isFinite(validTo) ? validTo : null }
}

function happens(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve())
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it hung up')))
  })
}

/** Takes the server's first line off the wire, and nothing behind it. */
function greeting(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let bytes = 0
    const take = (piece: Buffer): void => {
      bytes += piece.length
      if (!piece.includes(0x0a) && bytes < maxGreetingBytes) return
      socket.off('data', take)
      socket.pause()
      if (bytes < maxGreetingBytes) resolve()
      else reject(new Error('it says more than a greeting'))
    }
    socket.on('data', take)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it hung up')))
  })
}

const plainWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name is not known',
  ECONNRESET: 'it cut the connection',
  EHOSTUNREACH: 'no way leads there',
  ENETUNREACH: 'no way leads there',
}

function whyNot(error: unknown, host: string, port: number): string {
  const code = String((error as { code?: unknown }).code)
  const why = tlsWords(error, host) ?? plainWords[code] ?? messageOf(error)
  return `${host}:${port}: ${why}`
}
