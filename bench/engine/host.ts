/** The least host that the guests of this benchmark run on: what is measured is the glue. */

export type GuestOfBench = 'echo' | 'hello-http'

type GuestExports = Readonly<Record<string, Readonly<Record<string, (...args: unknown[]) => unknown>>>>

export interface BenchHost {
  readonly imports: object
  callOf(exports: GuestExports): () => void
}

export function hostOf(guest: GuestOfBench): BenchHost {
  return guest === 'echo' ? logHost() : httpHost()
}

/** One event in, one line logged. */
function logHost(): BenchHost {
  let chars = 0
  return {
    imports: {
      'wasi:logging/logging': {
        log(_level: string, _context: string, message: string) {
          chars += message.length
        },
      },
    },
    callOf(exports) {
      const handle = exports['selvedge:edge/sensor-handler@0.1.0']!['handle']!
      return () => {
        const before = chars
        handle({ id: 1n, sensor: 'light', reading: { value: 5, unit: 'lx', timeMs: 1_700_000_000_000n } })
        if (chars === before) throw new Error('the guest did not log')
      }
    },
  }
}

/** One request in, one response of a header and 13 bytes out: ten calls of the host. */
function httpHost(): BenchHost {
  class Fields {
    readonly entries: [string, Uint8Array][] = []
    append(name: string, value: Uint8Array): void {
      this.entries.push([name, value])
    }
  }
  class IncomingRequest {
    readonly path = '/'
  }
  class OutputStream {
    readonly body: OutgoingBody
    constructor(body: OutgoingBody) {
      this.body = body
    }
    blockingWriteAndFlush(bytes: Uint8Array): void {
      this.body.bytes += bytes.length
    }
  }
  class OutgoingBody {
    bytes = 0
    static finish(): void {}
    write(): OutputStream {
      return new OutputStream(this)
    }
  }
  class OutgoingResponse {
    readonly headers: Fields
    readonly content = new OutgoingBody()
    constructor(headers: Fields) {
      this.headers = headers
    }
    body(): OutgoingBody {
      return this.content
    }
  }
  class ResponseOutparam {
    response: OutgoingResponse | null = null
    static set(outparam: ResponseOutparam, result: { readonly val: OutgoingResponse }): void {
      outparam.response = result.val
    }
  }
  return {
    imports: {
      'wasi:http/types': { Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam },
      'wasi:io/error': { Error: class IoError {} }, // oxlint-disable-line no-extraneous-class -- a WIT resource
      'wasi:io/streams': { OutputStream },
    },
    callOf(exports) {
      const handle = exports['wasi:http/incoming-handler@0.2.12']!['handle']!
      return () => {
        const outparam = new ResponseOutparam()
        handle(new IncomingRequest(), outparam)
        if (outparam.response?.content.bytes !== 13) throw new Error('the guest did not answer')
      }
    },
  }
}
