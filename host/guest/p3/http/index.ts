/** wasi:http 0.3 inside a sandbox, over the same wire as 0.2. */
import { HttpWorld } from '../../http/resource.ts'
import type { IncomingAnswer, IncomingCall } from '../../http/wire.ts'
import type { GuestExports, PartContext } from '../../part.ts'
import type { Waiting } from '../world.ts'
import type { P3Imports } from '../world.ts'
import type { Consumer } from './body.ts'
import { sendRequest } from './client.ts'
import { Fields } from './fields.ts'
import { handleRequest, type OpenChannel } from './handler.ts'
import type { RequestMessage } from './message.ts'
import { typesOf } from './types.ts'

export { hasHandler } from './handler.ts'

export interface P3Http {
  readonly imports: P3Imports
  handle(exports: GuestExports, call: IncomingCall, channel: OpenChannel): Promise<IncomingAnswer>
}

export function createHttp(context: PartContext, waiting: Waiting): P3Http {
  const world = new HttpWorld(context)
  const consumer: Consumer = { waiting, trailers: (list) => new Fields(world, list, false) }
  return {
    imports: {
      'wasi:http/types@0.3': typesOf(world, consumer),
      'wasi:http/client@0.3': {
        send: (request: RequestMessage) => sendRequest(world, waiting, request),
      },
    },
    handle: (exports, call, channel) => handleRequest(world, waiting, exports, call, channel),
  }
}
