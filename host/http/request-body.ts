/** A request's body as it arrives: read whole where it is small and says so, else handed on piece by piece. */
import type { IncomingMessage } from 'node:http'
import type { FlatFields, StreamedBody } from './contract.ts'
import { endToEnd } from './hop-by-hop.ts'
import { httpProblems } from './problems.ts'

/** @returns its declared length; null for one without; 0 for no body at all */
export function declaredBytes({ headers }: IncomingMessage): number | null {
  if (headers['transfer-encoding'] !== undefined) return null
  const length = headers['content-length']
  return length === undefined ? 0 : Number(length)
}

/** @throws ERR_HTTP_CLIENT_GONE where it is not all there */
export function wholeBody(request: IncomingMessage, sizeBytes: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let isDone = false
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      isDone = true
      // The parser holds it to its declared length. Of its own: a pooled buffer would cross whole.
      const bytes = new Uint8Array(sizeBytes)
      let at = 0
      for (const piece of pieces) {
        bytes.set(piece, at)
        at += piece.length
      }
      resolve(bytes)
    })
    const gone = (): void => {
      if (!isDone) reject(clientGone())
    }
    request.on('error', gone)
    request.on('close', gone)
  })
}

export function streamedBody(
  request: IncomingMessage,
  sizeBytes: number | null,
  maxBytes: number,
): StreamedBody {
  return {
    chunks: chunksOf(request, maxBytes),
    sizeBytes,
    trailers(): FlatFields | null {
      const fields = endToEnd(request.rawTrailers)
      return fields.length === 0 ? null : fields
    },
  }
}

async function* chunksOf(request: IncomingMessage, maxBytes: number): AsyncGenerator<Uint8Array> {
  let size = 0
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += piece.length
      if (size > maxBytes) {
        const message = `the body is over ${maxBytes} bytes`
        throw httpProblems.error('ERR_HTTP_BODY_SIZE', message)
      }
      yield piece
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
    throw clientGone()
  }
  if (!request.complete) throw clientGone()
}

function clientGone(): Error {
  return httpProblems.error('ERR_HTTP_CLIENT_GONE', 'the client went away in the middle of its request')
}
