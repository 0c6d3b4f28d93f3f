/** The channels of one sandbox: those that its guest opened, and those of invocations. */
import { ChannelEnd, type ChannelMessage, type ToGuest } from '../../guest/index.ts'
import type { Incident } from '../contract.ts'
import type { HostChannel } from './channel.ts'
import { SandboxChannel } from './host-channel.ts'
import { InvocationChannel, type InvocationChannelNeeds } from './invocation-channel.ts'

export interface ChannelsNeeds {
  emit(message: ToGuest): void
  end(incident: Incident): void
  readonly limit: number
}

export class Channels {
  readonly #needs: ChannelsNeeds
  readonly #open = new Map<number, SandboxChannel | InvocationChannel>()
  /** Of invocations that nobody has used theirs of, nearly always in order. No map, for the reason in call-queue.ts. */
  readonly #unused: InvocationChannel[] = []
  readonly #ofInvocations: InvocationChannelNeeds
  /** Of those that the guest opened. */
  #opened = 0

  constructor(needs: ChannelsNeeds) {
    this.#needs = needs
    this.#ofInvocations = {
      emit: (message) => needs.emit(message),
      made: (channel) => {
        this.#takeUnused(channel)
        this.#open.set(channel.id, channel)
      },
      over: (channel) => {
        if (!this.#takeUnused(channel)) this.#open.delete(channel.id)
      },
    }
  }

  get size(): number {
    return this.#open.size + this.#unused.length
  }

  /** The node's own, of an invocation. Costs the sandbox nothing until it is used. @param used by the guest */
  expect(id: number, used?: (channel: HostChannel) => void): InvocationChannel {
    const expected = new InvocationChannel(id, this.#ofInvocations, used)
    this.#unused.push(expected)
    return expected
  }

  /** @returns whether it was there */
  #takeUnused(channel: InvocationChannel): boolean {
    if (this.#unused[0] === channel) {
      this.#unused.shift()
      return true
    }
    const at = this.#unused.indexOf(channel)
    if (at >= 0) this.#unused.splice(at, 1)
    return at >= 0
  }

  /** @returns null, and ends the sandbox, where the guest's side breaks the rules */
  opened(id: number): SandboxChannel | null {
    if (id % 2 !== 1 || this.#open.has(id)) return this.#fault('a channel with a used number')
    // Twice: one that its guest has closed may not have been served to its end here.
    if (this.#opened >= this.#needs.limit * 2) return this.#fault('too many channels')
    this.#opened += 1
    const end = new ChannelEnd(id, (message) => this.#needs.emit(message))
    const channel = new SandboxChannel(end, () => {
      if (this.#open.delete(id)) this.#opened -= 1
    })
    this.#open.set(id, channel)
    return channel
  }

  /** What comes for a channel that is over was on its way when it ended. */
  accept(message: ChannelMessage): void {
    const { channel: id } = message
    const channel = this.#open.get(id) ?? this.#unused.find((unused) => unused.id === id)
    const fault = channel?.accept(message) ?? null
    if (fault !== null) this.#fault(fault)
  }

  lost(why: string): void {
    for (const channel of [...this.#unused, ...this.#open.values()]) channel.lost(why)
  }

  #fault(what: string): null {
    this.#needs.end({ reason: 'host-fault', message: `its side of the line sent ${what}` })
    return null
  }
}
