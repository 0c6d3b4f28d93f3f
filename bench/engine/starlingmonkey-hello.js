// What hello-http.wat does, in JavaScript: one header, a short body.
import { Fields, OutgoingBody, OutgoingResponse, ResponseOutparam } from 'wasi:http/types@0.2.12'

const type = new TextEncoder().encode('text/plain')
const text = new TextEncoder().encode('hello, world\n')

export const incomingHandler = {
  handle(request, out) {
    const headers = new Fields()
    headers.append('content-type', type)
    const response = new OutgoingResponse(headers)
    const body = response.body()
    ResponseOutparam.set(out, { tag: 'ok', val: response })
    {
      const stream = body.write()
      stream.blockingWriteAndFlush(text)
      stream[Symbol.dispose]()
    }
    OutgoingBody.finish(body, undefined)
    // Without it the handle lives until the guest's own collector runs.
    request[Symbol.dispose]()
  },
}
