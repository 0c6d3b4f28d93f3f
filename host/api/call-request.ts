/** Reading what a client wants called, at the border. */
import type { IncomingMessage } from 'node:http'
import * as v from 'valibot'
import type { CallIntent } from './call-contract.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import { readBody } from './request.ts'

const text = (most: number): v.GenericSchema<string, string> => v.pipe(v.string(), v.maxLength(most))
const target = {
  app: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  node: v.optional(text(128)),
  deadlineMs: v.optional(v.pipe(v.number(), v.minValue(1))),
  key: v.optional(text(512)),
}
const intent = v.variant('kind', [
  v.object({ kind: v.literal('list'), ...target }),
  v.object({
    kind: v.literal('function'),
    ...target,
    function: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
    arguments: v.union([
      text(apiLimits.callBytes),
      v.array(v.object({ name: v.nullable(text(128)), text: text(apiLimits.callBytes) })),
    ]),
    form: v.picklist(['wave', 'json']),
  }),
  v.object({
    kind: v.literal('http'),
    ...target,
    method: v.pipe(v.string(), v.regex(/^[A-Z]{1,32}$/, 'is no method')),
    path: v.pipe(v.string(), v.regex(/^\/[\x21-\x7e]{0,8000}$/, 'is no path; it begins with "/"')),
    body: v.optional(v.pipe(v.string(), v.base64())),
  }),
])

/** @throws ERR_API_REQUEST, ERR_API_BODY_TOO_LARGE */
export async function readCallIntent(request: IncomingMessage): Promise<CallIntent> {
  const bytes = await readBody(request, apiLimits.callBytes)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw apiProblems.error('ERR_API_REQUEST', 'the body is not JSON', { cause })
  }
  const parsed = v.safeParse(intent, value)
  if (parsed.success) return parsed.output
  const [{ message, path }] = parsed.issues
  const field = path?.map(({ key }) => String(key)).join('.') ?? 'the body'
  throw apiProblems.error('ERR_API_REQUEST', `${field} ${message}`)
}
