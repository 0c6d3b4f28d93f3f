/** What a call between nodes begins with, and its answer: CBOR within bounds, checked where it comes in. */
import * as v from 'valibot'
import { decodeCbor, encodeCbor, messageOf } from '../../core/index.ts'
import { callLimits } from '../../mesh/index.ts'
import { isFieldName, isFieldValue, type FlatFields } from '../guest/http/index.ts'
import { defaultHttpLimits, type HttpRequest, type HttpResponse } from '../http/index.ts'
import { callRules } from './contract.ts'
import { callProblems } from './problems.ts'

const bounds = { maxBytes: callLimits.headBytes, maxDepth: 3, maxItems: 4 * defaultHttpLimits.fields + 64 }

const appName = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/))
const fields = v.pipe(
  v.array(v.string()),
  v.maxLength(2 * defaultHttpLimits.fields),
  v.check((flat) => flat.length % 2 === 0, 'a field without a value'),
  v.check((flat) => flat.every((text, at) => (at % 2 === 0 ? isFieldName(text) : isFieldValue(text)))),
)
const httpRequest = v.strictObject({
  k: v.literal('http'),
  app: appName,
  method: v.pipe(v.string(), v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/)),
  // Of a path, whatever node:http's parser lets through.
  path: v.pipe(v.string(), v.startsWith('/'), v.regex(/^[\x21-\xff]+$/)),
  scheme: v.picklist(['http', 'https']),
  authority: v.optional(v.pipe(v.string(), v.maxLength(512))),
  headers: fields,
  size: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
})
const functionCall = v.strictObject({
  k: v.literal('fn'),
  app: appName,
  target: v.pipe(v.string(), v.minLength(1), v.maxLength(callRules.targetLength)),
})
const requestSchema = v.variant('k', [httpRequest, functionCall])

const time = v.pipe(v.number(), v.minValue(0))
const httpAnswer = v.strictObject({
  k: v.literal('http'),
  status: v.pipe(v.number(), v.integer(), v.minValue(100), v.maxValue(999)),
  headers: v.array(v.string()),
  trailers: v.optional(v.array(v.string())),
})
const functionAnswer = v.strictObject({
  k: v.literal('fn'),
  /** It returned its own error. */
  isError: v.boolean(),
  queueMs: time,
  runMs: time,
})

export type RequestHead = v.InferOutput<typeof requestSchema>
export type HttpRequestHead = v.InferOutput<typeof httpRequest>
export type FunctionAnswer = v.InferOutput<typeof functionAnswer>

/** @throws ERR_CALL_MALFORMED */
export function readRequestHead(bytes: Uint8Array): RequestHead {
  return read(requestSchema, bytes)
}

export function packHttpRequest(app: string, request: HttpRequest): Uint8Array {
  const { method, path, scheme, authority, headers, body } = request
  const size = body === null || body instanceof Uint8Array ? undefined : (body.sizeBytes ?? undefined)
  return encodeCbor({ k: 'http', app, method, path, scheme, authority, headers: [...headers], size })
}

export function packFunctionCall(app: string, target: string): Uint8Array {
  return encodeCbor({ k: 'fn', app, target })
}

/** @param trailers of a body that is whole; others come after it */
export function packHttpAnswer({ status, headers }: HttpResponse, trailers: FlatFields | null): Uint8Array {
  return encodeCbor({
    k: 'http',
    status,
    headers: [...headers],
    trailers: trailers === null ? undefined : [...trailers],
  })
}

/** @throws ERR_CALL_MALFORMED */
export function readHttpAnswer(bytes: Uint8Array): v.InferOutput<typeof httpAnswer> {
  return read(httpAnswer, bytes)
}

export function packFunctionAnswer(answer: Omit<FunctionAnswer, 'k'>): Uint8Array {
  return encodeCbor({ k: 'fn', ...answer })
}

/** @throws ERR_CALL_MALFORMED */
export function readFunctionAnswer(bytes: Uint8Array): FunctionAnswer {
  return read(functionAnswer, bytes)
}

export function packTrailers(trailers: FlatFields | null): Uint8Array | null {
  return trailers === null || trailers.length === 0 ? null : encodeCbor([...trailers])
}

/** null where there are none, or what came is no list of fields: a body is not thrown away for its trailers. */
export function readTrailers(bytes: Uint8Array | null): FlatFields | null {
  if (bytes === null) return null
  try {
    return read(fields, bytes)
  } catch {
    return null
  }
}

function read<Output>(schema: v.GenericSchema<unknown, Output>, bytes: Uint8Array): Output {
  try {
    const result = v.safeParse(schema, decodeCbor(bytes, bounds))
    if (result.success) return result.output
    throw new Error(result.issues[0].message)
  } catch (error) {
    throw callProblems.error('ERR_CALL_MALFORMED', `what came is no call: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
