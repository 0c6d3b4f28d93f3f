/**
 * A value that a server gives: asked for when somebody reads and what is known is older than `every`. A failure is kept
 * for a moment too, so that a server in trouble is not asked by every reading.
 */
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import * as v from 'valibot'
import type { Clock } from '../../../core/index.ts'
import { durationField } from '../../toml/index.ts'
import type { Reading, Sensor, SensorDriver } from '../contract.ts'
import { numberIn, textValueOptions } from './text-value.ts'

const options = v.strictObject({
  ...textValueOptions,
  url: v.pipe(
    v.string(),
    v.maxLength(2_048),
    v.check(
      (text) => ['http:', 'https:'].includes(protocolOf(text)),
      'is no URL; write "http://HOST/PATH" or "https://HOST/PATH"',
    ),
  ),
  /** Sent along, as `{ Authorization = "Bearer …" }`. */
  headers: v.optional(
    v.pipe(
      v.record(
        v.pipe(v.string(), v.regex(/^[A-Za-z0-9-]{1,64}$/, 'is no name of a header')),
        v.pipe(v.string(), v.regex(/^[\t\x20-\x7e]{0,4096}$/, 'is no value of a header')),
      ),
      v.check((table) => Object.keys(table).length <= 32, 'has too many entries; at most 32 fit'),
    ),
    {},
  ),
  /** For so long a value is good, and the server is not asked again. */
  every: v.optional(durationField('100ms', '1d'), '10s'),
  timeout: v.optional(durationField('50ms', '4500ms'), '4s'),
})

type HttpOptions = v.InferOutput<typeof options>

const maxBodyBytes = 65_536
/** The most that a failure is kept. */
const failureMs = 2_000

function protocolOf(text: string): string {
  try {
    return new URL(text).protocol
  } catch {
    return ''
  }
}

/** @throws Error saying what came instead of a body of at most 64 KiB with status 200 */
function bodyOf({ url, headers, timeout }: HttpOptions, clock: Clock, signal: AbortSignal): Promise<string> {
  const target = new URL(url)
  const send = target.protocol === 'https:' ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const asked = send(target, { headers: { accept: 'application/json, text/plain', ...headers }, signal })
    const cancelTimer = clock.after(timeout, () =>
      asked.destroy(new Error(`${target.host} did not answer in ${timeout / 1_000} s`)),
    )
    const fail = (error: unknown): void => {
      cancelTimer()
      asked.destroy()
      reject(error as Error)
    }
    asked.once('error', fail)
    asked.once('response', (response) => {
      readBody(response, target.host).then((body) => {
        cancelTimer()
        resolve(body)
      }, fail)
    })
    asked.end()
  })
}

async function readBody(response: IncomingMessage, host: string): Promise<string> {
  if (response.statusCode !== 200) {
    const { location } = response.headers
    const to = location === undefined ? '' : ` to ${location.slice(0, 200)}, which is not followed`
    throw new Error(`${host} answered with ${response.statusCode}${to}`)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBodyBytes) throw new Error(`${host} answered with more than 64 KiB`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

export const httpSensor: SensorDriver<HttpOptions> = {
  kind: 'http',
  summary: 'a value that a server gives: a number, or JSON with a number in it',
  options,
  async open(name, table, { clock }): Promise<Sensor> {
    const { unit, pointer, scale, every, resolution = null } = table
    const closing = new AbortController()
    let known: { readonly atMs: number; readonly reading: Reading } | null = null
    let failed: { readonly atMs: number; readonly error: unknown } | null = null
    const ask = async (): Promise<Reading> => {
      const text = await bodyOf(table, clock, closing.signal)
      return { value: numberIn(text, pointer) * scale, unit, timeMs: clock.now() }
    }
    let asking: Promise<Reading> | null = null
    const askOnce = (): Promise<Reading> => {
      asking ??= ask()
        .then(
          (reading) => {
            known = { atMs: clock.monotonicMs(), reading }
            failed = null
            return reading
          },
          (error: unknown) => {
            failed = { atMs: clock.monotonicMs(), error }
            throw error
          },
        )
        .finally(() => {
          asking = null
        })
      return asking
    }
    return {
      name,
      driver: 'http',
      unit,
      range: null,
      resolution,
      async read(signal) {
        signal?.throwIfAborted()
        const nowMs = clock.monotonicMs()
        if (known !== null && nowMs - known.atMs < every) return known.reading
        if (failed !== null && nowMs - failed.atMs < Math.min(every, failureMs)) throw failed.error
        return askOnce()
      },
      async close() {
        closing.abort(new Error('the sensor was closed'))
      },
    }
  },
}
