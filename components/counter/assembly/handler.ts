/**
 * `POST /visitors` adds one, or the number in its body; `GET` reads, `PUT` sets, `DELETE` takes it away. `GET /` lists all
 * counters, a line each, and `PUT /` takes such lines.
 *
 * Adding is `increment` and not reading and writing back: only so do nodes that count at the same time, or cut off from
 * each other, come to the sum.
 */
import { increment } from './bindings/wasi-keyvalue-atomics'
import { Request, Response } from './bindings/selvedge-edge-http-handler'
import * as keyvalue from './bindings/wasi-keyvalue-store'
import { Result } from './bindings/values'
import { list, restore } from './lists'
import { answer, bucketName, reason } from './responses'
import { bytesOf, isName, isNumber, textOf } from './text'

export function handle(request: Request): Result<Response, string> {
  const opened = keyvalue.open(bucketName)
  if (opened.isErr) return answer(500, reason(opened.error))
  const bucket = opened.value
  const response = route(request, bucket)
  bucket.drop()
  return response
}

function route(request: Request, bucket: keyvalue.Bucket): Result<Response, string> {
  const name = request.path.slice(1)
  if (name == '') {
    if (request.method == 'GET') return list(bucket)
    if (request.method == 'PUT') return restore(bucket, textOf(request.body))
    return answer(405, 'GET lists all counters, PUT takes such a list')
  }
  if (!isName(name)) return answer(400, 'a counter is called by up to 100 letters, digits, "-", "_" and "/"')
  if (request.method == 'GET') return read(bucket, name)
  if (request.method == 'POST') return add(bucket, name, textOf(request.body))
  if (request.method == 'PUT') return set(bucket, name, textOf(request.body))
  if (request.method != 'DELETE') return answer(405, 'GET, POST, PUT or DELETE')
  const gone = bucket.delete(name)
  return gone.isOk ? answer(200, '0') : answer(500, reason(gone.error))
}

function read(bucket: keyvalue.Bucket, name: string): Result<Response, string> {
  const got = bucket.get(name)
  if (got.isErr) return answer(500, reason(got.error))
  const bytes = got.value
  return answer(200, bytes === null ? '0' : textOf(bytes))
}

function add(bucket: keyvalue.Bucket, name: string, by: string): Result<Response, string> {
  if (by != '' && !isNumber(by)) return answer(400, 'the body is no whole number')
  const sum = increment(bucket, name, by == '' ? 1 : I64.parseInt(by))
  return sum.isOk ? answer(200, sum.value.toString()) : answer(500, reason(sum.error))
}

function set(bucket: keyvalue.Bucket, name: string, to: string): Result<Response, string> {
  if (!isNumber(to)) return answer(400, 'the body is no whole number')
  const done = bucket.set(name, bytesOf(to))
  return done.isOk ? answer(200, to) : answer(500, reason(done.error))
}
