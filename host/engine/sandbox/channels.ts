/** The channels of one sandbox: those that its guest opened, and those of invocations. */
import { ChannelEnd, type ChannelMessage, type ToGuest } from '../../guest/index.ts'
import type { Incident } from '../contract.ts'
import { SandboxChannel } from './host-channel.ts'

export interface ChannelsNeeds {
  emit(message: ToGuest): void
  end(incident: Incident): void
  readonly limit: number
}

export class Channels {
  readonly #needs: ChannelsNeeds
  readonly #open = new Map<number, SandboxChannel>()

  constructor(needs: ChannelsNeeds) {
    this.#needs = needs
  }

  get size(): number {
    return this.#open.size
  }

  /** The node's own, of an invocation. Costs the sandbox nothing until it is used. */
  expect(channel: number): SandboxChannel {
    return this.#make(channel)
  }

  /** @returns null, and ends the sandbox, where the guest's side breaks the rules */
  opened(channel: number): SandboxChannel | null {
    if (channel % 2 !== 1 || this.#open.has(channel)) return this.#fault('a channel with a used number')
    if (this.#open.size >= this.#needs.limit * 2) return this.#fault('too many channels')
    return this.#make(channel)
  }

  /** What comes for a channel that is over was on its way when it ended. */
  accept(message: ChannelMessage): void {
    const fault = this.#open.get(message.channel)?.accept(message) ?? null
    if (fault !== null) this.#fault(fault)
  }

  /** The guest's side never used it, and has forgotten it. */
  forget(channel: number): void {
    this.#open.get(channel)?.lost('the guest did not use it', false)
  }

  drop(channel: number): void {
    this.#open.get(channel)?.close()
  }

  lost(why: string): void {
    const open = Array.from(this.#open.values())
    for (const channel of open) channel.lost(why)
  }

  #make(id: number): SandboxChannel {
    const end = new ChannelEnd(id, (message) => this.#needs.emit(message))
    const channel = new SandboxChannel(end, () => this.#open.delete(id))
    this.#open.set(id, channel)
    return channel
  }

  #fault(what: string): null {
    this.#needs.end({ reason: 'host-fault', message: `its side of the line sent ${what}` })
    return null
  }
}
