/** The control API's routes about trust: what is believed here, what rests on a key, and what was signed elsewhere. */
import type { ControlledNode } from './controlled-node.ts'
import type { Handler } from './handler.ts'
import { routes } from './contract.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import { readBody } from './request.ts'

export function trustRoutes(node: ControlledNode): [string, Handler][] {
  return [
    [routes.trust, () => node.trust()],
    [routes.trustKey, ({ query }) => node.trustKey(keyOf(query))],
    [routes.changeTrust, signed((bytes) => node.changeTrust(bytes))],
    [routes.revoke, signed((bytes) => node.revoke(bytes))],
    [routes.beat, signed((bytes) => node.beat(bytes))],
  ]
}

function signed(take: (bytes: Uint8Array) => unknown): Handler {
  return async ({ request }) => take(await readBody(request, apiLimits.trustBytes))
}

/** @throws ERR_API_REQUEST */
function keyOf(query: URLSearchParams): Uint8Array {
  const text = query.get('key') ?? ''
  if (/^[0-9a-f]{64}$/.test(text)) return new Uint8Array(Buffer.from(text, 'hex'))
  throw apiProblems.error('ERR_API_REQUEST', 'key is no public key: 64 characters of hexadecimal')
}
