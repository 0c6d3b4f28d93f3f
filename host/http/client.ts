/**
 * Requests that an app sends: only to the origins it was granted. The URL's scheme, host and port are held against
 * the grants, and what a name resolves to is the lookup's to judge. Redirects are the app's business, and go through the
 * same check.
 */
import {
  Agent as PlainAgent,
  request as plainRequest,
  type ClientRequest,
  type RequestOptions,
} from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import type { LookupFunction } from 'node:net'
import type { Clock } from '../../core/index.ts'
import type { ChannelOpener, HostChannel } from '../engine/index.ts'
import type { FromNode, HttpErrorCode, OutgoingCall } from '../guest/http/index.ts'
import { clientErrorOf } from './client-error.ts'
import { defaultHttpLimits, type HttpLimits } from './limits.ts'
import { originOf } from './origin.ts'
import { fieldsOf, outgoingCallOf } from './outgoing-call.ts'
import { ClientExchange } from './client-exchange.ts'

export interface HttpClientNeeds {
  /** In the form of {@link originOf}. */
  readonly origins: ReadonlySet<string>
  /** Told of a request to an origin outside them. */
  denied(origin: string): void
  readonly clock: Clock
  /** Names to addresses; where it refuses one, it fails with EACCES. The system's by default. */
  readonly lookup?: LookupFunction
  readonly limits?: Partial<HttpLimits>
}

/**
 * Serves the channel of one outgoing request; see `OutgoingCall` and `FromNode` for what goes through it.
 * @param opener `leftMs`: whatever the guest wants, no longer is waited for the head of the response
 */
export type HttpClient = (
  args: readonly unknown[],
  channel: HostChannel,
  opener?: ChannelOpener,
) => Promise<void>

/** RFC 9110, 9.2.2: these may be sent again where the connection that was kept turned out to be dead. */
const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

/** Connections are one app's own: no app meets what another left in one. */
export function httpClient(needs: HttpClientNeeds): HttpClient {
  const limits = { ...defaultHttpLimits, ...needs.limits }
  const { lookup } = needs
  const pool = {
    keepAlive: true,
    maxSockets: limits.outgoing,
    maxFreeSockets: 8,
    timeout: limits.keepAliveMs,
  }
  const agents = { http: new PlainAgent(pool), https: new TlsAgent(pool) }
  let underWay = 0

  return async (args, channel, { hops, leftMs } = { leftMs: Infinity }) => {
    const refuse = (code: HttpErrorCode): void => channel.send({ t: 'error', code } satisfies FromNode)
    const call = outgoingCallOf(args[0])
    if (call === null) return refuse({ tag: 'HTTP-protocol-error' })
    const origin = originOf(`${call.scheme}://${call.authority}`)
    if (origin === null) return refuse({ tag: 'HTTP-request-URI-invalid' })
    if (!needs.origins.has(origin)) {
      needs.denied(origin)
      return refuse({ tag: 'HTTP-request-denied' })
    }
    if (underWay >= limits.outgoing) return refuse({ tag: 'connection-limit-reached' })
    underWay += 1
    try {
      const canRepeat = call.body !== 'streamed' && idempotent.has(call.method)
      const send = (fresh: boolean): ClientRequest =>
        open(
          call,
          origin,
          { limits, lookup, fields: fieldsOf(call, hops) },
          canRepeat && !fresh ? agents[call.scheme] : false,
        )
      await new ClientExchange(call, channel, { clock: needs.clock, limits, leftMs, send, canRepeat }).done
    } catch (error) {
      refuse(clientErrorOf(error))
    } finally {
      underWay -= 1
    }
  }
}

/** @throws what node:http says of a request that cannot be written */
function open(
  call: OutgoingCall,
  origin: string,
  {
    limits,
    lookup,
    fields,
  }: Pick<HttpClientNeeds, 'lookup'> & { readonly limits: HttpLimits; readonly fields: readonly string[] },
  agent: PlainAgent | false,
): ClientRequest {
  const { hostname, port } = new URL(origin)
  const options: RequestOptions = {
    // Brackets are the URL's way to write an IPv6 address.
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? undefined : port,
    method: call.method,
    path: call.path,
    headers: fields,
    maxHeaderSize: limits.responseHeadBytes,
    insecureHTTPParser: false,
    agent,
    ...(lookup !== undefined && { lookup }),
  }
  return call.scheme === 'https' ? tlsRequest(options) : plainRequest(options)
}
