/**
 * `GET /linked/21.5` asks the app that is linked, with types that the compiler checked; `GET /named/FUNCTION/ARGS` asks
 * thermo by name, with arguments in WAVE. Both say in the response what went wrong, and neither ends the instance.
 */
import { toFahrenheit } from './bindings/acme-thermo-api'
import { call, CallError, CallErrorTag } from './bindings/selvedge-edge-call'
import { Request, Response } from './bindings/selvedge-edge-http-handler'
import { ok, Result } from './bindings/values'

export function handle(request: Request): Result<Response, string> {
  const parts = request.path.split('/')
  if (parts.length === 3 && parts[1] == 'linked') return linked(parts[2])
  if (parts.length === 4 && parts[1] == 'named') return named(parts[2], parts[3])
  return answer(404, 'ask for /linked/CELSIUS or /named/FUNCTION/ARGS')
}

function linked(text: string): Result<Response, string> {
  const celsius = parseFloat(text)
  if (isNaN(celsius)) return answer(400, text + ' is no number')
  const result = toFahrenheit(celsius)
  return result.isOk ? answer(200, result.value.toString()) : answer(502, result.error)
}

function named(name: string, args: string): Result<Response, string> {
  const result = call('thermo', name, args)
  return result.isOk ? answer(200, result.value) : answer(502, reason(result.error))
}

/** The case of the error, and its text where it has one. */
function reason(error: CallError): string {
  switch (error.tag) {
    case CallErrorTag.notGranted:
      return 'not-granted'
    case CallErrorTag.notFound:
      return 'not-found: ' + error.asNotFound
    case CallErrorTag.invalidArguments:
      return 'invalid-arguments: ' + error.asInvalidArguments
    case CallErrorTag.refused:
      return 'refused: ' + error.asRefused
    case CallErrorTag.unavailable:
      return 'unavailable: ' + error.asUnavailable
    case CallErrorTag.timeout:
      return 'timeout'
    case CallErrorTag.failed:
      return 'failed: ' + error.asFailed
    default:
      return 'returned: ' + error.asReturned
  }
}

function answer(status: u16, text: string): Result<Response, string> {
  const body = Uint8Array.wrap(String.UTF8.encode(text + '\n'))
  return ok<Response, string>(new Response(status, [], body))
}
