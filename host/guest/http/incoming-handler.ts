/** Calls a guest's exported `wasi:http/incoming-handler#handle` with one request of the node's. */
import { parseInterface } from '../interface-id.ts'
import type { GuestChannel } from '../line.ts'
import type { GuestExports, GuestFunction } from '../part.ts'
import { ChannelFeed, WholeFeed } from './body-feed.ts'
import { IncomingRequest } from './incoming-request.ts'
import { ResponseOutparam } from './outgoing-response.ts'
import type { HttpWorld } from './resource.ts'
import { ResponseRun } from './response-run.ts'
import type { FromGuest, IncomingAnswer, IncomingCall } from './wire.ts'

export class IncomingHandler {
  readonly #world: HttpWorld
  #exports: GuestExports | null = null
  #handle: GuestFunction | null = null
  #run: ResponseRun | null = null

  constructor(world: HttpWorld) {
    this.#world = world
    world.context.line.beforeSleep?.(() => this.#run?.beforeSleep())
  }

  handle(exports: GuestExports, call: IncomingCall, open: () => GuestChannel): IncomingAnswer {
    const handle = this.#handlerOf(exports)
    const run = new ResponseRun(open)
    const feed = call.body === 'streamed' ? streamed(run.channel) : new WholeFeed(call.body, null)
    this.#run = run
    try {
      handle(new IncomingRequest(this.#world, call, feed), new ResponseOutparam(this.#world, run))
    } finally {
      this.#run = null
    }
    return run.settle()
  }

  #handlerOf(exports: GuestExports): GuestFunction {
    if (exports === this.#exports && this.#handle !== null) return this.#handle
    const found = Object.entries(exports).find(
      ([name, item]) =>
        parseInterface(name).path === 'wasi:http/incoming-handler' && typeof item === 'object',
    )
    const handle = (found?.[1] as Readonly<Record<string, GuestFunction>> | undefined)?.['handle']
    if (handle === undefined) throw new Error('the component exports no wasi:http/incoming-handler')
    this.#exports = exports
    this.#handle = handle
    return handle
  }
}

function streamed(channel: GuestChannel): ChannelFeed {
  channel.send({ t: 'want' } satisfies FromGuest)
  return new ChannelFeed(channel, () => {})
}
