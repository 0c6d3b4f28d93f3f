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
  /** The channel of an invocation that is under way, whose guest is the first to use it. */
  invoked?(id: number): InvocationChannel | undefined
}

export class Channels {
  readonly #needs: ChannelsNeeds
  readonly #open = new Map<number, SandboxChannel | InvocationChannel>()
  readonly #ofInvocations: InvocationChannelNeeds
  /** Of those that the guest opened. */
  #opened = 0

  constructor(needs: ChannelsNeeds) {
    this.#needs = needs
    this.#ofInvocations = { emit: (message) => needs.emit(message), over: (id) => void this.#open.delete(id) }
  }

  get size(): number {
    return this.#open.size
  }

  /** The node's own, of an invocation. Costs the sandbox nothing until it is used. @param used by the guest */
  expect(id: number, used?: (channel: HostChannel) => void): InvocationChannel {
    const expected = new InvocationChannel(id, this.#ofInvocations, used)
    this.#open.set(id, expected)
    return expected
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
    const channel = this.#open.get(id) ?? this.#needs.invoked?.(id)
    const fault = channel?.accept(message) ?? null
    if (fault !== null) this.#fault(fault)
  }

  lost(why: string): void {
    const open = Array.from(this.#open.values())
    for (const channel of open) channel.lost(why)
  }

  #fault(what: string): null {
    this.#needs.end({ reason: 'host-fault', message: `its side of the line sent ${what}` })
    return null
  }
}
