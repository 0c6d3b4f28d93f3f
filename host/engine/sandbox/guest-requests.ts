/** What a guest asks of its host: calls with an answer, posts, channels. Each goes to the interface it was granted. */
import { messageOf, type Log } from '../../../core/index.ts'
import { assertBounded, stdioInterface, type ToGuest, type ToHost } from '../../guest/index.ts'
import {
  WitError,
  type BoundChannel,
  type BoundFunction,
  type GuestCaller,
  type Incident,
  type StartRequest,
} from '../contract.ts'
import type { Channels } from './channels.ts'
import { standardStreams } from './stdio.ts'

export interface GuestRequestsNeeds {
  readonly channels: Channels
  /** Whoever asks. */
  readonly caller: GuestCaller
  readonly log: Log
  readonly valueBytes: number
  queue(message: ToGuest): void
  flush(): void
  end(incident: Incident): void
}

type Request<T extends ToHost['t']> = Extract<ToHost, { t: T }>

export class GuestRequests {
  readonly #needs: GuestRequestsNeeds
  /** By interface, then by name: to put both into one key costs more than what most functions do. */
  readonly #functions = new Map<string, Map<string, BoundFunction | BoundChannel>>()
  readonly #output = new Set<Promise<unknown>>()
  /** A guest sleeps until its call is answered, so there is never another. */
  #isCalling = false

  constructor(request: StartRequest, needs: GuestRequestsNeeds) {
    this.#needs = needs
    const interfaces = [
      ...request.imports,
      { id: stdioInterface, functions: standardStreams(request, needs.log) },
    ]
    for (const { id, functions } of interfaces) {
      const known = this.#functions.get(id) ?? new Map<string, BoundFunction | BoundChannel>()
      for (const [name, bound] of Object.entries(functions)) known.set(name, bound)
      this.#functions.set(id, known)
    }
  }

  async call({ n, id, name, args }: Request<'host-call'>): Promise<void> {
    // In its place there is something that does not wait, and could ask for any number of things at once.
    if (this.#isCalling) return this.#fault('it made a call while it waited for the answer to another')
    this.#isCalling = true
    try {
      const value = await this.#find(id, name, 'call').run(args, this.#needs.caller)
      assertBounded(value, this.#needs.valueBytes)
      this.#needs.queue({ t: 'reply', n, kind: 'ok', value })
    } catch (error) {
      if (!(error instanceof WitError)) return this.#fault(`${id} ${name} failed: ${messageOf(error)}`)
      this.#needs.queue({ t: 'reply', n, kind: 'err', value: error.payload })
    } finally {
      this.#isCalling = false
    }
    // The guest sleeps until it is there.
    this.#needs.flush()
  }

  post({ id, name, args }: Request<'post'>): void {
    try {
      const result = this.#find(id, name, 'post').run(args, this.#needs.caller)
      if (result instanceof Promise) {
        result.catch(() => {})
        throw new Error('it returned a promise, which nobody waits for in mode `post`')
      }
    } catch (error) {
      this.#fault(`a posted call failed: ${messageOf(error)}`)
    }
  }

  async open({ channel: number, id, name, args }: Request<'open'>): Promise<void> {
    const channel = this.#needs.channels.opened(number)
    if (channel === null) return
    let bound: BoundChannel
    try {
      bound = this.#find(id, name, 'channel')
    } catch (error) {
      return this.#fault(messageOf(error))
    }
    // Of the call that runs now: it may be over by the next turn.
    const { caller } = this.#needs
    const opener = { hops: caller.hopsLeft(), leftMs: caller.remainingMs() }
    const served = Promise.resolve().then(() => bound.run(args, channel, opener))
    if (id === stdioInterface && name !== 'stdin') this.#output.add(served)
    try {
      await served
      channel.close()
    } catch (error) {
      channel.close({ message: messageOf(error) })
    }
  }

  /** Resolves when all that the guest wrote to its standard streams has been taken, or cannot be. */
  async outputTaken(): Promise<void> {
    await Promise.allSettled(this.#output)
  }

  #find(id: string, name: string, mode: 'channel'): BoundChannel
  #find(id: string, name: string, mode: 'call' | 'post'): BoundFunction
  #find(id: string, name: string, mode: string): BoundFunction | BoundChannel {
    const bound = this.#functions.get(id)?.get(name)
    if (bound === undefined) throw new Error(`${id} has no function ${name}`)
    if (bound.mode !== mode) throw new Error(`${id} ${name} is no ${mode}`)
    return bound
  }

  #fault(message: string): void {
    this.#needs.end({ reason: 'host-fault', message })
  }
}
