/** `wasi:http/types` 0.3 as the glue asks for it: classes whose instances belong to one sandbox's world. */
import type { HttpWorld } from '../../http/resource.ts'
import type { InterfaceImports } from '../../part.ts'
import { guestClass } from '../guest-class.ts'
import type { GuestStream } from '../streams.ts'
import { consume, guestBody, type Consumer, type Trailers, type Transmission } from './body.ts'
import type { FieldEntry } from '../../http/fields.ts'
import { Fields } from './fields.ts'
import { RequestMessage, ResponseMessage, type Message } from './message.ts'
import { RequestOptions } from './request-options.ts'

export function typesOf(world: HttpWorld, consumer: Consumer): InterfaceImports {
  const consumeBody = (message: Message, handled: PromiseLike<Transmission>): unknown => {
    // Nobody here needs to know how the guest got on with it; but its write must be read.
    void handled.then(ignore, ignore)
    return consume(message.takeBody(), consumer)
  }
  return {
    Fields: guestClass(world, Fields, {
      fromList: (entries: readonly FieldEntry[]) => Fields.fromList(world, entries),
    }),
    RequestOptions: guestClass(world, RequestOptions),
    Request: guestClass(world, RequestMessage, {
      consumeBody,
      new(
        headers: Fields,
        contents: GuestStream | undefined,
        trailers: PromiseLike<Trailers>,
        options: RequestOptions | undefined,
      ): [RequestMessage, Promise<Transmission>] {
        headers.surrender()
        options?.surrender()
        const [body, sent] = guestBody(contents, trailers)
        const request = new RequestMessage(world, headers.list, body)
        request.setTimeouts(options?.timeouts)
        return [request, sent]
      },
    }),
    Response: guestClass(world, ResponseMessage, {
      consumeBody,
      new(
        headers: Fields,
        contents: GuestStream | undefined,
        trailers: PromiseLike<Trailers>,
      ): [ResponseMessage, Promise<Transmission>] {
        headers.surrender()
        const [body, sent] = guestBody(contents, trailers)
        return [new ResponseMessage(world, headers.list, body), sent]
      },
    }),
  }
}

function ignore(): void {}
