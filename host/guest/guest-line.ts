/**
 * The line itself: batches out, batches in, and sleep. All that arrives is sorted here, whether the guest's thread
 * was idle or asleep in the middle of a call: answers, channels, and calls that wait for their turn.
 */
import { systemClock } from '../../core/index.ts'
import type { Waitable } from './bytes.ts'
import { ChannelEnd } from './channel-end.ts'
import { HostFault } from './ends.ts'
import { LineChannel } from './guest-channel.ts'
import type { GuestChannel, HostLine } from './line.ts'
import { PostBudget } from './post-budget.ts'
import {
  stdioInterface,
  type ChannelMessage,
  type SandboxLimits,
  type ToGuest,
  type ToHost,
} from './protocol.ts'
import { Readiness } from './readiness.ts'
import { assertBounded } from './values.ts'
import { WitError } from './wit-error.ts'

/** How batches get across: between threads, or between processes. */
export interface Transport {
  send(batch: readonly ToHost[]): void
  /**
   * Sleeps until a batch is there. @param untilMs of performance.now(); null sleeps as long as it takes
   * @returns null when the time came first
   */
  receive(untilMs: number | null): readonly ToGuest[] | null
}

export type Work = Extract<ToGuest, { t: 'call' | 'invoke' }>
type Reply = Extract<ToGuest, { t: 'reply' }>

/** What is queued for the node goes when it is this much, so that it can begin with it. */
const flushBytes = 64 * 1024
const flushMessages = 256

export class GuestLine implements HostLine {
  readonly #transport: Transport
  readonly #limits: SandboxLimits
  #out: ToHost[] = []
  #outBytes = 0
  readonly #work: Work[] = []
  readonly #channels = new Map<number, ChannelEnd>()
  /** Of the invocation that runs; its channel, and those of invocations that wait, are made when somebody uses them. */
  #running: number | null = null
  /** Channels of invocations that were made. Nearly always empty, which a set of those that were not would never be. */
  readonly #made = new Set<number>()
  readonly #kept = new Set<number>()
  #nextChannel = 1
  #nextCall = 1
  #reply: Reply | null = null
  readonly #posts: PostBudget
  #sleptMs = 0
  readonly #readiness = new Readiness(systemClock)
  /** Of a guest that never sleeps nobody knows when it is done for now: what it queues goes with the next turn. */
  #sendsByItself = false
  readonly #beforeSleep: (() => void)[] = []

  constructor(transport: Transport, limits: SandboxLimits) {
    this.#transport = transport
    this.#limits = limits
    this.#posts = new PostBudget(limits, () => performance.now())
  }

  call(id: string, name: string, args: readonly unknown[]): unknown {
    assertBounded(args, this.#limits.valueBytes)
    const n = this.#nextCall++
    this.queue({ t: 'host-call', n, id, name, args })
    this.flush()
    for (;;) {
      const reply = this.#reply
      if (reply !== null) {
        this.#reply = null
        if (reply.n !== n) throw new HostFault('the node answered another call')
        if (reply.kind === 'err') throw new WitError(reply.value)
        return reply.value
      }
      this.#sleep(null)
    }
  }

  post(id: string, name: string, args: readonly unknown[]): void {
    assertBounded(args, this.#limits.valueBytes)
    if (this.#posts.mayLook) this.poll()
    if (this.#posts.take()) this.queue({ t: 'post', id, name, args })
  }

  open(id: string, name: string, args: readonly unknown[]): GuestChannel {
    assertBounded(args, this.#limits.valueBytes)
    const channel = this.#nextChannel
    this.#nextChannel += 2
    const end = this.#makeChannel(channel)
    if (id === stdioInterface) this.#kept.add(channel)
    this.queue({ t: 'open', channel, id, name, args })
    return this.#claim(end)
  }

  wait(waitables: readonly Waitable[]): void {
    if (waitables.some((waitable) => waitable.ready())) return
    for (const run of this.#beforeSleep) run()
    this.flush()
    for (;;) {
      const dueAtMs = Math.min(...waitables.map((waitable) => waitable.dueAtMs ?? Infinity))
      this.#sleep(dueAtMs === Infinity ? null : dueAtMs)
      if (waitables.some((waitable) => waitable.ready())) return
    }
  }

  beforeSleep(run: () => void): void {
    this.#beforeSleep.push(run)
  }

  whenReady(waitable: Waitable): Promise<void> {
    this.#sendsByItself = true
    this.flush()
    return this.#readiness.whenReady(waitable)
  }

  asleep<Result>(run: () => Result): Result {
    this.flush()
    const from = performance.now()
    try {
      return run()
    } finally {
      this.#sleptMs += performance.now() - from
    }
  }

  poll(): void {
    this.flush()
    const batch = this.#transport.receive(0)
    if (batch !== null) this.accept(batch)
  }

  /** Ms of sleep since it was asked last. */
  takeSleptMs(): number {
    const slept = this.#sleptMs
    this.#sleptMs = 0
    return slept
  }

  takeDropped(): number {
    return this.#posts.takeDropped()
  }

  #sleep(untilMs: number | null): void {
    const from = performance.now()
    const batch = this.#transport.receive(untilMs)
    this.#sleptMs += performance.now() - from
    if (batch !== null) this.accept(batch)
  }

  /** Sorts what came. Work is kept for `nextWork`. */
  accept(batch: readonly ToGuest[]): void {
    for (const message of batch) {
      switch (message.t) {
        case 'call':
        case 'invoke':
          this.#work.push(message)
          break
        case 'cancel':
          this.#cancel(message.call)
          break
        case 'reply':
          this.#reply = message
          break
        case 'posts':
          this.#posts.done(message.done)
          break
        case 'boot':
          throw new HostFault('a sandbox was specialised twice')
        default:
          this.#onChannel(message)
      }
    }
    if (this.#sendsByItself) this.#readiness.check()
  }

  #onChannel(message: ChannelMessage): void {
    let end = this.#channels.get(message.channel)
    if (end === undefined && this.#isExpected(message.channel)) end = this.#makeChannel(message.channel)
    if (end === undefined) return
    const fault = end.accept(message)
    if (fault !== null) throw new HostFault(`the node sent ${fault} through a channel`)
    if (message.t === 'close' && !end.isClaimed) this.#channels.delete(end.id)
  }

  #cancel(call: number): void {
    const at = this.#work.findIndex((work) => work.call === call)
    if (at < 0) return
    const [work] = this.#work.splice(at, 1)
    if (work?.t === 'invoke') this.endInvocation(work.channel)
  }

  nextWork(): Work | undefined {
    const work = this.#work.shift()
    this.#running = work?.t === 'invoke' ? work.channel : null
    return work
  }

  /** Whether it belongs to an invocation that has not ended, and was not made yet. */
  #isExpected(channel: number): boolean {
    if (this.#made.has(channel)) return false
    if (channel === this.#running) return true
    return this.#work.some((work) => work.t === 'invoke' && work.channel === channel)
  }

  /** The channel of an invocation, made when it is first asked for. */
  invocationChannel(channel: number): GuestChannel {
    return this.#claim(this.#channels.get(channel) ?? this.#makeChannel(channel))
  }

  /** What came for it and nobody asked for is dropped, and the node told to send no more. @returns whether it was used */
  endInvocation(channel: number): boolean {
    if (this.#running === channel) this.#running = null
    if (this.#made.size === 0 || !this.#made.delete(channel)) return false
    const end = this.#channels.get(channel)
    if (end !== undefined && !end.isClaimed) {
      end.close(null)
      this.#channels.delete(channel)
    }
    return true
  }

  /** All but the standard streams, which belong to the sandbox and not to one instance. */
  closeChannels(): void {
    for (const [number, end] of this.#channels) {
      if (this.#kept.has(number)) continue
      end.close(null)
      this.#channels.delete(number)
    }
  }

  #makeChannel(channel: number): ChannelEnd {
    if (this.#channels.size >= this.#limits.channels)
      throw new Error(`a guest holds ${this.#limits.channels} channels and closes none`)
    if (channel % 2 === 0) this.#made.add(channel)
    const end = new ChannelEnd(channel, (message) => this.queue(message))
    this.#channels.set(channel, end)
    return end
  }

  #claim(end: ChannelEnd): GuestChannel {
    end.isClaimed = true
    return new LineChannel(end, () => {
      this.#channels.delete(end.id)
      // Whoever waits for it waits for nothing that could still come.
      if (this.#sendsByItself) this.#readiness.check()
    })
  }

  queue(message: ToHost): void {
    if (this.#sendsByItself && this.#out.length === 0) setImmediate(() => this.flush())
    this.#out.push(message)
    if (message.t === 'bytes') this.#outBytes += message.bytes.length
    if (this.#outBytes >= flushBytes || this.#out.length >= flushMessages) this.flush()
  }

  flush(): void {
    if (this.#out.length === 0) return
    const batch = this.#out
    this.#out = []
    this.#outBytes = 0
    this.#transport.send(batch)
  }
}
