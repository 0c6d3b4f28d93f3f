/** All counters at once: a line each, name and number. */
import { getMany, setMany } from './bindings/wasi-keyvalue-batch'
import { Response } from './bindings/selvedge-edge-http-handler'
import { Bucket } from './bindings/wasi-keyvalue-store'
import { Result, Tuple2 } from './bindings/values'
import { answer, reason } from './responses'
import { bytesOf, isName, isNumber, textOf } from './text'

export function list(bucket: Bucket): Result<Response, string> {
  const lines: string[] = []
  let cursor: string | null = null
  do {
    const listed = bucket.listKeys(cursor)
    if (listed.isErr) return answer(500, reason(listed.error))
    const got = getMany(bucket, listed.value.keys)
    if (got.isErr) return answer(500, reason(got.error))
    for (let at = 0; at < got.value.length; at++) {
      const entry = got.value[at]
      if (entry !== null) lines.push(entry.v0 + ' ' + textOf(entry.v1))
    }
    cursor = listed.value.cursor
  } while (cursor !== null)
  return answer(200, lines.join('\n'))
}

/** All lines or none. */
export function restore(bucket: Bucket, text: string): Result<Response, string> {
  const lines = text.split('\n')
  const entries: Tuple2<string, Uint8Array>[] = []
  for (let at = 0; at < lines.length; at++) {
    const parts = lines[at].split(' ')
    if (parts.length !== 2 || !isName(parts[0]) || !isNumber(parts[1])) {
      return answer(400, 'line ' + (at + 1).toString() + ' is no name and whole number')
    }
    entries.push(new Tuple2<string, Uint8Array>(parts[0], bytesOf(parts[1])))
  }
  const done = setMany(bucket, entries)
  return done.isOk ? answer(200, entries.length.toString()) : answer(500, reason(done.error))
}
