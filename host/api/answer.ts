/** Writing answers: JSON, errors with their code and hint, and HTTP statuses for those who look at them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isSelvedgeError, messageOf, type Clock, type SelvedgeError } from '../../core/index.ts'
import type { ApiError } from './contract.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'

export function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  const body = Buffer.from(JSON.stringify(value))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

/** @param type with its charset */
export function answerText(response: ServerResponse, text: string, type: string): void {
  const body = Buffer.from(text)
  response.writeHead(200, { 'content-type': type, 'content-length': body.length })
  response.end(body)
}

/** Answers an error; one that is not ours becomes ERR_INTERNAL. @returns what was answered */
export function answerError(
  request: IncomingMessage,
  response: ServerResponse,
  thrown: unknown,
  clock: Clock,
): SelvedgeError {
  const error = isSelvedgeError(thrown)
    ? thrown
    : apiProblems.error('ERR_INTERNAL', messageOf(thrown), { cause: thrown })
  if (response.headersSent) {
    response.destroy()
    return error
  }
  const { code, kind, message, hint } = error
  // The rest of a refused body: read away for a moment, so that the client gets to our answer, then cut.
  if (!request.complete) {
    response.setHeader('connection', 'close')
    request.resume()
    clock.after(apiLimits.drainMs, () => request.destroy())
  }
  const body: ApiError = { error: { code, kind, message, hint } }
  answerJson(response, body, statusOf(error))
  return error
}

const statusByCode: Readonly<Record<string, number>> = {
  ERR_API_ROUTE: 404,
  ERR_DEPLOY_KEY: 403,
  ERR_API_BODY_TOO_LARGE: 413,
  ERR_API_BUSY: 503,
}

function statusOf(error: SelvedgeError): number {
  const status = statusByCode[error.code]
  if (status !== undefined) return status
  if (error.kind === 'user') return 400
  return error.kind === 'remote' ? 409 : 500
}
