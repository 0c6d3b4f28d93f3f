/** What a client is told. */
import { Response } from './bindings/selvedge-edge-http-handler'
import { Error, ErrorTag } from './bindings/wasi-keyvalue-store'
import { ok, Result } from './bindings/values'
import { bytesOf } from './text'

export const bucketName = 'counts'

export function reason(error: Error): string {
  if (error.tag === ErrorTag.other) return error.asOther
  return 'the bucket "' + bucketName + '" is not granted to this app'
}

export function answer(status: u16, text: string): Result<Response, string> {
  return ok<Response, string>(new Response(status, [], bytesOf(text + '\n')))
}
