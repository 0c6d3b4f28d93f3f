/**
 * Answers a request by its path: `/echo` sends the request's body back as it arrives, everything else is greeted.
 *
 * Handles are given back by hand, children before their parents: a stream before its body, a body before its request.
 */
import {
  ErrorCode,
  Fields,
  IncomingBody,
  IncomingRequest,
  OutgoingBody,
  OutgoingResponse,
  ResponseOutparam,
} from './bindings/wasi-http-types'
import { InputStream, OutputStream, StreamErrorTag } from './bindings/wasi-io-streams'
import { ok } from './bindings/values'

/** At most this much of a body is under way at once. */
const atOnceBytes: u64 = 65536

export function handle(request: IncomingRequest, responseOut: ResponseOutparam): void {
  const given = request.pathWithQuery()
  const path = given === null ? '/' : given

  const headers = new Fields()
  headers.append('content-type', bytesOf('text/plain; charset=utf-8'))
  // The headers, the response and the body it is asked for each belong to the next: nothing here is dropped twice.
  const response = new OutgoingResponse(headers)
  const body = response.body().value
  ResponseOutparam.set(responseOut, ok<OutgoingResponse, ErrorCode>(response))

  const output = body.write().value
  if (path == '/echo') echo(request, output)
  else send(output, bytesOf('Hello from Selvedge, you asked for ' + path + '\n'))
  output.drop()
  OutgoingBody.finish(body, null)
  request.drop()
}

function echo(request: IncomingRequest, output: OutputStream): void {
  const consumed = request.consume()
  if (consumed.isErr) return
  const body = consumed.value
  const opened = body.stream()
  if (opened.isOk) {
    const input = opened.value
    copy(input, output)
    input.drop()
  }
  IncomingBody.finish(body).drop()
}

/**
 * Until the end of the input, or until nobody reads the output any more. The host moves the bytes: none of them comes
 * into this memory, which is collected only between requests, so a body may be larger than it.
 */
function copy(input: InputStream, output: OutputStream): void {
  for (;;) {
    const moved = output.blockingSplice(input, atOnceBytes)
    if (moved.isOk) continue
    const error = moved.error
    if (error.tag == StreamErrorTag.lastOperationFailed) error.asLastOperationFailed.drop()
    return
  }
}

/** A blocking write takes at most 4096 bytes (wasi:io/streams). @returns false where nobody reads any more */
function send(output: OutputStream, bytes: Uint8Array): bool {
  for (let at = 0; at < bytes.length; at += 4096) {
    const written = output.blockingWriteAndFlush(bytes.subarray(at, at + 4096))
    if (written.isOk) continue
    const error = written.error
    if (error.tag == StreamErrorTag.lastOperationFailed) error.asLastOperationFailed.drop()
    return false
  }
  return true
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text))
}
