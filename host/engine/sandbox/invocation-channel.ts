/**
 * The channel of one invocation, on the node's side. Most invocations never use theirs, so it is made when somebody
 * does: whoever holds the invocation by asking for it, or the guest by sending something. What the node sends before
 * the invocation itself is on its way waits here, as a guest knows only the channels of what it has been asked.
 */
import { ChannelEnd, type ChannelMessage, type ToGuest } from '../../guest/index.ts'
import type { HostChannel } from './channel.ts'
import { SandboxChannel } from './host-channel.ts'

export interface InvocationChannelNeeds {
  emit(message: ToGuest): void
  /** Both sides have ended it. */
  over(id: number): void
}

export class InvocationChannel {
  readonly id: number
  readonly #needs: InvocationChannelNeeds
  readonly #used: ((channel: HostChannel) => void) | undefined
  #channel: SandboxChannel | null = null
  #isSent = false
  #held: ToGuest[] | null = null
  /** How it ended before anybody had used it. */
  #ended: { readonly why: string; readonly failed: boolean } | null = null

  /** @param used told when the guest sends the first message of it */
  constructor(id: number, needs: InvocationChannelNeeds, used?: (channel: HostChannel) => void) {
    this.id = id
    this.#needs = needs
    this.#used = used
  }

  /** Made with the first use. */
  get channel(): SandboxChannel {
    return (this.#channel ??= this.#make())
  }

  /** The invocation is on its way: what was held back follows it. */
  sent(): void {
    this.#isSent = true
    const held = this.#held
    if (held === null) return
    this.#held = null
    for (const message of held) this.#needs.emit(message)
  }

  /** @returns what the sandbox did that it must not, or null */
  accept(message: ChannelMessage): string | null {
    const isFirst = this.#channel === null
    const { channel } = this
    if (isFirst) this.#used?.(channel)
    return channel.accept(message)
  }

  /** The guest is done, and has not used it. */
  forget(): void {
    this.#end('the guest did not use it', false)
  }

  lost(why: string): void {
    this.#end(why, true)
  }

  close(): void {
    if (this.#channel !== null) return this.#channel.close()
    this.#end('it was closed', false)
  }

  #end(why: string, failed: boolean): void {
    if (this.#channel !== null) return this.#channel.lost(why, failed)
    this.#ended = { why, failed }
    this.#needs.over(this.id)
  }

  #make(): SandboxChannel {
    const end = new ChannelEnd(this.id, (message) => this.#emit(message))
    const channel = new SandboxChannel(end, () => this.#needs.over(this.id))
    if (this.#ended !== null) channel.lost(this.#ended.why, this.#ended.failed)
    return channel
  }

  #emit(message: ToGuest): void {
    if (this.#isSent) this.#needs.emit(message)
    else (this.#held ??= []).push(message)
  }
}
