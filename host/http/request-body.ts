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

/** Memory for what has come of bodies whose requests wait, of all requests together. */
export interface AheadRoom {
  bytes: number
}

/**
 * A body that streams. That its client has gone is seen only behind what it has sent: while a request waits for its
 * turn some of its body is therefore read ahead of whoever will want it.
 */
export class ArrivingBody implements StreamedBody {
  readonly sizeBytes: number | null
  readonly chunks: AsyncIterable<Uint8Array>
  readonly #request: IncomingMessage
  readonly #source: AsyncGenerator<Uint8Array>
  readonly #room: AheadRoom
  readonly #ahead: IteratorResult<Uint8Array>[] = []
  #filling: Promise<void> | null = null
  #isWanted = false
  #isOver = false

  /** @param maxBytes of all of it @param room for what is read ahead */
  constructor(request: IncomingMessage, sizeBytes: number | null, maxBytes: number, room: AheadRoom) {
    this.sizeBytes = sizeBytes
    this.#request = request
    this.#room = room
    this.#source = chunksOf(request, maxBytes)
    this.chunks = this.#pieces()
  }

  trailers(): FlatFields | null {
    const fields = endToEnd(this.#request.rawTrailers)
    return fields.length === 0 ? null : fields
  }

  /** Begins to, until somebody wants it or it is over. @param maxBytes and a piece of it at most */
  readAhead(maxBytes: number): void {
    if (this.#isWanted || this.#filling !== null) return
    this.#filling = this.#fill(maxBytes)
    // Whoever reads it is told.
    this.#filling.catch(() => {})
  }

  /** Its request is: who has not begun to read it gets no more than the word that its client has gone. */
  over(): void {
    this.#isOver = true
    if (!this.#isWanted) this.#forget()
  }

  async #fill(maxBytes: number): Promise<void> {
    let size = 0
    while (!this.#isWanted && size < maxBytes && this.#room.bytes > 0) {
      const next = await this.#source.next()
      if (this.#isOver && !this.#isWanted) return
      this.#ahead.push(next)
      if (next.done === true) return
      size += next.value.length
      this.#room.bytes -= next.value.length
    }
  }

  async *#pieces(): AsyncGenerator<Uint8Array> {
    if (this.#isOver) throw clientGone()
    this.#isWanted = true
    let failure: { readonly error: unknown } | null = null
    if (this.#filling !== null) failure = await this.#filling.then(noFailure, (error: unknown) => ({ error }))
    try {
      for (let next = this.#ahead.shift(); next !== undefined; next = this.#ahead.shift()) {
        if (next.done === true) return
        this.#room.bytes += next.value.length
        yield next.value
      }
    } finally {
      this.#forget()
    }
    if (failure !== null) throw failure.error
    yield* this.#source
  }

  #forget(): void {
    for (const { value } of this.#ahead.splice(0))
      this.#room.bytes += (value as Uint8Array | undefined)?.length ?? 0
  }
}

const noFailure = (): null => null

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
