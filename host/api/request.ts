/** Reading a request at the border: bounded bodies, checked query fields. */
import type { IncomingMessage } from 'node:http'
import type { TriggerSpec } from '../../mesh/index.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import type { UploadIntent } from './controlled-node.ts'

/** @throws ERR_API_BODY_TOO_LARGE as soon as it is known, without reading the rest */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) throw tooLarge(announced, maxBytes)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const bytes = chunk as Buffer
    size += bytes.length
    if (size > maxBytes) throw tooLarge(size, maxBytes)
    chunks.push(bytes)
  }
  // One copy into memory of its own: a pooled Buffer would keep its neighbours alive.
  const body = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    body.set(chunk, at)
    at += chunk.length
  }
  return body
}

/** @throws ERR_API_REQUEST when it is no JSON object */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = new TextDecoder().decode(await readBody(request, apiLimits.recordBytes))
  const value = parseJson(text, 'the body')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw apiProblems.error('ERR_API_REQUEST', 'the body is not a JSON object')
  }
  return value as Record<string, unknown>
}

const longestAppName = 128

/** @returns the query's `app`, or null where there is none. @throws ERR_API_REQUEST */
export function appOf(query: URLSearchParams): string | null {
  const app = query.get('app')
  if (app === null || app === '') return null
  if (app.length > longestAppName) {
    throw apiProblems.error(
      'ERR_API_REQUEST',
      `app has ${app.length} characters, more than ${longestAppName}`,
    )
  }
  return app
}

/** @returns a whole number of at least 0, or null. @throws ERR_API_REQUEST */
export function countOf(query: URLSearchParams, name: string): number | null {
  const text = query.get(name)
  if (text === null || text === '') return null
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw apiProblems.error('ERR_API_REQUEST', `${name} is not a whole number`)
  }
  return value
}

/** @throws ERR_API_REQUEST */
export function uploadIntentOf(query: URLSearchParams): UploadIntent {
  const grants = listOf(query, 'grants')
  const triggers = listOf(query, 'triggers')
  const badGrant = grants.find((grant) => typeof grant !== 'string')
  if (badGrant !== undefined)
    throw apiProblems.error('ERR_API_REQUEST', 'grants holds something that is no text')
  const specs = triggers.filter(isTriggerSpec)
  if (specs.length < triggers.length) {
    throw apiProblems.error('ERR_API_REQUEST', 'triggers holds something that is no trigger')
  }
  const memoryBytes = countOf(query, 'memoryBytes')
  const links = linksOf(query)
  return {
    app: appOf(query) ?? undefined,
    ...(query.get('variant') !== null && { variant: query.get('variant') ?? '' }),
    grants: grants as string[],
    triggers: specs,
    ...(Object.keys(links).length > 0 && { links }),
    memoryBytes,
  }
}

function listOf(query: URLSearchParams, name: string): unknown[] {
  const text = query.get(name)
  if (text === null || text === '') return []
  const value = parseJson(text, name)
  if (!Array.isArray(value)) throw apiProblems.error('ERR_API_REQUEST', `${name} is not a JSON list`)
  return value as unknown[]
}

/** App by interface. @throws ERR_API_REQUEST */
function linksOf(query: URLSearchParams): Readonly<Record<string, string>> {
  const text = query.get('links')
  if (text === null || text === '') return {}
  const value = parseJson(text, 'links')
  const isTable = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isTable || Object.values(value).some((app) => typeof app !== 'string'))
    throw apiProblems.error('ERR_API_REQUEST', 'links is no table of apps by interface')
  return value as Record<string, string>
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw apiProblems.error('ERR_API_REQUEST', `${what} is not JSON`, { cause })
  }
}

function tooLarge(size: number, maxBytes: number): Error {
  return apiProblems.error(
    'ERR_API_BODY_TOO_LARGE',
    `the body has ${size} bytes or more; at most ${maxBytes} are taken`,
  )
}

/** What only the trigger itself can judge stays for the node. */
function isTriggerSpec(value: unknown): value is TriggerSpec {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const options = Object.values(value)
  return (
    'kind' in value &&
    typeof value.kind === 'string' &&
    options.every((option) => ['string', 'number', 'boolean'].includes(typeof option))
  )
}
