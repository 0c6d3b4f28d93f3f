/** What passes between the HTTP server and an app: one request in, one response out, whatever the app is made with. */
import type { FlatFields } from '../guest/http/index.ts'

export type { FlatFields } from '../guest/http/index.ts'

export interface StreamedBody {
  /** Asking for the next piece is the back-pressure. @throws where the client went away, or sent too much */
  readonly chunks: AsyncIterable<Uint8Array>
  /** Those that came after the last piece. */
  trailers(): FlatFields | null
  readonly sizeBytes: number | null
}

export interface HttpRequest {
  readonly method: string
  /** Path and query as the app sees them: without the prefix that named the app. */
  readonly path: string
  readonly scheme: 'http' | 'https'
  readonly authority: string | undefined
  /** Without those of the connection, in the order and case of the network. */
  readonly headers: FlatFields
  /** Whole where it is small, null where it is empty. */
  readonly body: Uint8Array | StreamedBody | null
  /** Requests and calls that the app may lead to by it; left out where nobody has counted yet. */
  readonly hops?: number | undefined
  /** Asked where a request has to wait. @param left told once when nobody waits for an answer any more, or has it */
  whenLeft?(left: () => void): void
}

export interface HttpResponse {
  readonly status: number
  readonly headers: FlatFields
  /**
   * Text stands for bytes, one a character (latin1). A body that streams fails by throwing; whoever stops reading it
   * calls its iterator's `return`.
   */
  readonly body: Uint8Array | string | AsyncIterable<Uint8Array> | null
  /** Asked for after the body. */
  trailers(): FlatFields | null
}

/** The way into one app. */
export interface Ingress {
  /** @throws SelvedgeError whose code decides the status */
  handle(request: HttpRequest): Promise<HttpResponse>
  /** Told why what it answered could not be sent, or not to its end: a client sees no more than a code of that. */
  unsendable?(error: unknown): void
}

/** Told of every request as it ends: must be quick, and must not throw. */
export interface HttpObserver {
  /**
   * A request that an app was given has ended, well or not.
   * @param status of the response; 0 where the client went away before it had all of it
   * @param ms from its head to the end of its response, streamed bodies included
   */
  answered(app: string, status: number, ms: number): void
  /** The node answered with a problem in the place of an app; those that an app was given end in `answered` too. */
  refused(code: string): void
}

/** Whether a response's body is all there. */
export function isWhole(body: HttpResponse['body']): body is Uint8Array | string | null {
  return body === null || typeof body === 'string' || body instanceof Uint8Array
}

export function isStreamed(body: HttpRequest['body']): body is StreamedBody {
  return body !== null && !(body instanceof Uint8Array)
}
