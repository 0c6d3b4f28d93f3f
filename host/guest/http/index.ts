/**
 * The part `wasi:http` (0.2): the resources of `wasi:http/types` inside the sandbox, outgoing requests through the
 * node, and the way by which the node calls a guest's handler.
 */
import type { InterfaceImports, Part, PartContext, PartKind } from '../part.ts'
import { isHttpErrorCode, type HttpErrorCode } from './error-code.ts'
import { Fields, type FieldEntry } from './fields.ts'
import { FutureTrailers, IncomingBody } from './incoming-body.ts'
import { IncomingHandler } from './incoming-handler.ts'
import { IncomingRequest } from './incoming-request.ts'
import { FutureIncomingResponse, IncomingResponse } from './incoming-response.ts'
import { OutgoingBody } from './outgoing-body.ts'
import { handleOutgoing } from './outgoing-handler.ts'
import { OutgoingRequest } from './outgoing-request.ts'
import { OutgoingResponse, ResponseOutparam } from './outgoing-response.ts'
import { RequestOptions } from './request-options.ts'
import { HttpWorld } from './resource.ts'
import { packAnswer, unpackCall } from './packing.ts'
import { httpPartName } from './wire.ts'

export type { HttpErrorCode } from './error-code.ts'
export { httpGuestLimits } from './limits.ts'
export { outgoingChannelName } from './outgoing-handler.ts'
export { isFieldName, isFieldValue } from './syntax.ts'
export * from './packing.ts'
export * from './wire.ts'

export const httpPart: PartKind = {
  name: httpPartName,
  create(context: PartContext): Part {
    const world = new HttpWorld(context)
    const handler = new IncomingHandler(world)
    return {
      imports: {
        'wasi:http/types': typesOf(world),
        'wasi:http/outgoing-handler': {
          handle: (request: OutgoingRequest, options: RequestOptions | undefined) =>
            handleOutgoing(world, request, options),
        },
      },
      invoke(exports, name, args, channel) {
        if (name !== 'handle') throw new Error(`wasi:http has no invocation ${name}`)
        return packAnswer(handler.handle(exports, unpackCall(args), channel))
      },
    }
  },
}

function typesOf(world: HttpWorld): InterfaceImports {
  return {
    Fields: guestClass(world, Fields, {
      fromList: (entries: readonly FieldEntry[]) => Fields.fromList(world, entries),
    }),
    IncomingRequest: guestClass(world, IncomingRequest),
    OutgoingRequest: guestClass(world, OutgoingRequest),
    RequestOptions: guestClass(world, RequestOptions),
    ResponseOutparam: guestClass(world, ResponseOutparam, { set: ResponseOutparam.set }),
    IncomingResponse: guestClass(world, IncomingResponse),
    IncomingBody: guestClass(world, IncomingBody, {
      finish: (body: IncomingBody) => IncomingBody.finish(world, body),
    }),
    FutureTrailers: guestClass(world, FutureTrailers),
    OutgoingResponse: guestClass(world, OutgoingResponse),
    OutgoingBody: guestClass(world, OutgoingBody, { finish: OutgoingBody.finish }),
    FutureIncomingResponse: guestClass(world, FutureIncomingResponse),
    httpErrorCode: (error: unknown): HttpErrorCode | undefined => {
      const failure: unknown = world.context.io.failureOf(error)
      return isHttpErrorCode(failure) ? failure : undefined
    },
  }
}

/**
 * A class as the glue sees it: made with the guest's arguments alone, and what it makes is an instance of the one
 * class behind it, which all apps of a thread share.
 */
function guestClass(
  world: HttpWorld,
  of: { readonly prototype: object; readonly name: string },
  statics: Readonly<Record<string, unknown>> = {},
): unknown {
  const make = of as unknown as new (world: HttpWorld, ...args: unknown[]) => object
  function Guest(...args: unknown[]): object {
    return new make(world, ...args)
  }
  Guest.prototype = of.prototype
  Object.defineProperty(Guest, 'name', { value: of.name })
  return Object.assign(Guest, statics)
}
