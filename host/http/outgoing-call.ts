/** The border where a sandbox's request comes in: its shape is checked, whoever wrote it. */
import * as v from 'valibot'
import { httpGuestLimits, isFieldName, isFieldValue, type OutgoingCall } from '../guest/http/index.ts'
import { endToEnd } from './hop-by-hop.ts'
import { hopsField, maxHops } from './hops.ts'

const flatFields = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(httpGuestLimits.fieldBytes))),
  v.maxLength(httpGuestLimits.fields * 2),
  v.check((flat) => flat.length % 2 === 0),
  v.check((flat) => flat.every((text, at) => (at % 2 === 0 ? isFieldName(text) : isFieldValue(text)))),
)

const timeout = v.nullable(v.pipe(v.number(), v.minValue(1)))

const callSchema = v.object({
  method: v.pipe(v.string(), v.maxLength(httpGuestLimits.methodChars), v.check(isFieldName)),
  scheme: v.picklist(['http', 'https']),
  authority: v.pipe(v.string(), v.maxLength(httpGuestLimits.authorityChars)),
  path: v.pipe(v.string(), v.startsWith('/'), v.maxLength(httpGuestLimits.pathChars + 1)),
  headers: flatFields,
  body: v.union([v.null(), v.literal('streamed'), v.instance(Uint8Array)]),
  trailers: v.nullable(flatFields),
  connectTimeoutMs: timeout,
  firstByteTimeoutMs: timeout,
  betweenBytesTimeoutMs: timeout,
})

/** @returns null for what no half of ours would send */
export function outgoingCallOf(value: unknown): OutgoingCall | null {
  const result = v.safeParse(callSchema, value)
  return result.success ? result.output : null
}

/** Methods whose requests have a meaning for a body (RFC 9110, 9.3). */
const withBody: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH'])

/** The fields of the request itself: the guest's, and those of its framing and its count, which are the node's. */
export function fieldsOf(
  { method, headers, authority, body, trailers }: OutgoingCall,
  hops: number = maxHops,
): string[] {
  const fields = ['Host', authority]
  const kept = endToEnd(headers, 'host')
  let declared: string | null = null
  for (let at = 0; at < kept.length; at += 2) {
    const name = kept[at]!.toLowerCase()
    if (name === 'content-length') declared = kept[at + 1]!
    else if (name !== hopsField) fields.push(kept[at]!, kept[at + 1]!)
  }
  fields.push(hopsField, String(hops))
  const isChunked = body === 'streamed' ? declared === null : trailers !== null
  if (isChunked) fields.push('Transfer-Encoding', 'chunked')
  else if (body === 'streamed') fields.push('Content-Length', declared ?? '0')
  else if (body !== null || withBody.has(method)) fields.push('Content-Length', String(body?.length ?? 0))
  return fields
}
