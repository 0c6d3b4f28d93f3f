import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { componentWit } from '@bytecodealliance/jco-transpile/wasm-tools'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from '../../host/build/index.ts'
import { transpiled, type Imports } from '../host/build/transpiled.ts'

const source = fileURLToPath(new URL('../../components/hello-http', import.meta.url))

interface Handler {
  handle(request: IncomingRequest, responseOut: ResponseOutparam): void
}

let folder: string
let bytes: Uint8Array
let start: () => Handler

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-hello-http-'))
  await cp(source, join(folder, 'app'), {
    recursive: true,
    filter: (path) => !/\/(build|bindings)$/.test(path),
  })
  const { file } = await buildApp(join(folder, 'app'))
  bytes = new Uint8Array(await readFile(file))
  const instantiate = await transpiled(bytes, join(folder, 'glue.mjs'))
  start = () => {
    const exports = instantiate(imports) as Record<string, Handler>
    return (exports['wasi:http/incoming-handler@0.2.12'] ?? exports['incomingHandler']) as Handler
  }
}, 120_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

/** What the guest holds; jco calls dispose when it drops a handle. */
let held = 0
/** Node 18 has no symbol of its own for it. */
const disposeKey: symbol = Symbol.dispose ?? Symbol.for('dispose')

class Held {
  constructor() {
    held++
  }

  [disposeKey](): void {
    held--
  }
}

// As much of wasi:http as the app uses, and no more: the node's own implementation has its own tests.
class Fields extends Held {
  readonly entries: [string, string][] = []
  append(name: string, value: Uint8Array): void {
    this.entries.push([name, Buffer.from(value).toString()])
  }
}

class InputStream extends Held {
  #left: Uint8Array
  constructor(left: Uint8Array) {
    super()
    this.#left = left
  }
  /** As a network would: not all that was asked for. */
  take(most: bigint): Uint8Array {
    if (this.#left.length === 0) throw Object.assign(new Error('closed'), { payload: { tag: 'closed' } })
    const chunk = this.#left.subarray(0, Math.min(Number(most), 7000))
    this.#left = this.#left.subarray(chunk.length)
    return chunk
  }
}

class OutputStream extends Held {
  readonly chunks: Buffer[] = []
  isClosed = false
  blockingWriteAndFlush(chunk: Uint8Array): void {
    if (this.isClosed) throw Object.assign(new Error('closed'), { payload: { tag: 'closed' } })
    expect(chunk.length).toBeLessThanOrEqual(4096)
    this.chunks.push(Buffer.from(chunk))
  }
  blockingSplice(source: InputStream, most: bigint): bigint {
    if (this.isClosed) throw Object.assign(new Error('closed'), { payload: { tag: 'closed' } })
    const chunk = source.take(most)
    this.chunks.push(Buffer.from(chunk))
    return BigInt(chunk.length)
  }
}

class IncomingBody extends Held {
  readonly content: Uint8Array
  constructor(content: Uint8Array) {
    super()
    this.content = content
  }
  stream(): InputStream {
    return new InputStream(this.content)
  }
  static finish(): FutureTrailers {
    held--
    return new FutureTrailers()
  }
}

class FutureTrailers extends Held {}

class OutgoingBody extends Held {
  readonly output = new OutputStream()
  isFinished = false
  write(): OutputStream {
    return this.output
  }
  static finish(body: OutgoingBody): void {
    held--
    body.isFinished = true
  }
}

class OutgoingResponse extends Held {
  readonly headers: Fields
  readonly content = new OutgoingBody()
  constructor(headers: Fields) {
    super()
    this.headers = headers
  }
  body(): OutgoingBody {
    return this.content
  }
}

class ResponseOutparam extends Held {
  response: OutgoingResponse | undefined
  static set(param: ResponseOutparam, response: { tag: string; val: OutgoingResponse }): void {
    expect(response.tag).toBe('ok')
    param.response = response.val
    // The response with its headers, and the parameter, are the host's again.
    held -= 3
  }
}

class IncomingRequest extends Held {
  readonly #path: string | undefined
  readonly #body: Uint8Array
  constructor(path: string | undefined, body: Uint8Array = new Uint8Array()) {
    super()
    this.#path = path
    this.#body = body
  }
  pathWithQuery(): string | undefined {
    return this.#path
  }
  consume(): IncomingBody {
    return new IncomingBody(this.#body)
  }
}

class StreamError extends Held {}

const imports: Imports = {
  'wasi:io/error': { Error: StreamError },
  'wasi:io/streams': { InputStream, OutputStream },
  'wasi:http/types': {
    Fields,
    FutureTrailers,
    IncomingBody,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
  },
}

function answerTo(handler: Handler, request: IncomingRequest): { body: Buffer; response: OutgoingResponse } {
  const out = new ResponseOutparam()
  handler.handle(request, out)
  if (out.response === undefined) throw new Error('the app gave no response')
  return { body: Buffer.concat(out.response.content.output.chunks), response: out.response }
}

describe('the built component', () => {
  it('is at most 18 KB and imports nothing but the types of its handler', async () => {
    expect(bytes.length).toBeLessThanOrEqual(18 * 1024)
    const imported = [...(await componentWit(bytes)).matchAll(/^ {2}import (.+);$/gm)].map(
      (match) => match[1],
    )
    expect(imported.every((name) => /^wasi:(io|http|clocks)\//.test(name ?? ''))).toBe(true)
  })
})

describe('a request', () => {
  it('is greeted with its path', () => {
    const { body, response } = answerTo(start(), new IncomingRequest('/où?x=1'))
    expect(body.toString()).toBe('Hello from Selvedge, you asked for /où?x=1\n')
    expect(response.headers.entries).toEqual([['content-type', 'text/plain; charset=utf-8']])
    expect(response.content.isFinished).toBe(true)
  })

  it('without a path is for /', () => {
    expect(answerTo(start(), new IncomingRequest(undefined)).body.toString()).toContain('asked for /\n')
  })

  it.each([0, 1, 4096, 100_000])('for /echo gets its body of %d bytes back', (size) => {
    const sent = Buffer.from(Array.from({ length: size }, (_, index) => index % 251))
    expect(Buffer.compare(answerTo(start(), new IncomingRequest('/echo', sent)).body, sent)).toBe(0)
  })

  it('whose client went away ends the copying', () => {
    const out = new ResponseOutparam()
    const set = ResponseOutparam.set
    ResponseOutparam.set = (param, response) => {
      response.val.content.output.isClosed = true
      set(param, response)
    }
    try {
      start().handle(new IncomingRequest('/echo', Buffer.alloc(50_000)), out)
    } finally {
      ResponseOutparam.set = set
    }
    expect(out.response?.content.isFinished).toBe(true)
  })

  it('leaves no handle behind', () => {
    const handler = start()
    held = 0
    for (let round = 0; round < 50; round++) {
      answerTo(handler, new IncomingRequest('/'))
      answerTo(handler, new IncomingRequest('/echo', Buffer.alloc(20_000, round)))
    }
    expect(held).toBe(0)
  })
})
