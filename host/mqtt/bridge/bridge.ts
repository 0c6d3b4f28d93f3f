/** One bridge between the mesh and a broker, both ways; what it needs of the disk it opens by itself, and tries again. */
import {
  isSelvedgeError,
  messageOf,
  type Cancel,
  type Clock,
  type Log,
  type Random,
} from '../../../core/index.ts'
import { messageLimits, type Topics } from '../../messages/index.ts'
import type { DurableQueue, QueueLimits, Queues } from '../../queue/index.ts'
import type { Broker } from '../contract.ts'
import type { BridgeConfig, BridgeReport } from './contract.ts'
import { Downlink } from './downlink.ts'
import { lettersOf, type BridgeLetters } from './letters.ts'
import { Uplink } from './uplink.ts'

export interface BridgeNeeds {
  readonly broker: Broker
  readonly topics: Topics
  readonly queues: Queues
  /** This mesh's id. */
  readonly mesh: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** A body, its metadata and topics, and CBOR around them. */
const itemBytes = messageLimits.bodyBytes + 256 * 1024
/** Messages given up that are kept. */
const deadItems = 1_000
const openAgainMs = 5_000

export class Bridge {
  readonly name: string
  readonly #config: BridgeConfig
  readonly #needs: BridgeNeeds
  readonly #downlink: Downlink
  #uplink: Uplink | null = null
  #queue: DurableQueue | null = null
  #cancelSubscription: Cancel | null = null
  #cancelRetry: Cancel | null = null
  #isRunning = false
  /** Of the disk, or of a queue that is full. */
  #trouble: BridgeReport['problem'] = null
  /** Of what it should hear from the broker. */
  #deaf: BridgeReport['problem'] = null
  /** Messages that its journal has no room for, however empty it is. */
  #oversized = 0

  constructor(config: BridgeConfig, needs: BridgeNeeds) {
    this.name = config.name ?? config.broker
    this.#config = config
    this.#needs = needs
    const { broker, topics, mesh } = needs
    this.#downlink = new Downlink({ broker, topics, mesh, routes: config.in })
  }

  /** What it cannot do it says in its report: a node has other things to do than one bridge. */
  async start(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#listen()
    if (this.#config.out.length > 0) await this.#open()
  }

  #listen(): void {
    try {
      this.#downlink.start()
      this.#deaf = null
    } catch (error) {
      this.#downlink.stop()
      const code = isSelvedgeError(error) ? error.code : 'ERR_BRIDGE_STORE'
      this.#deaf = { code, message: `bridge ${this.name}: ${messageOf(error)}` }
      this.#needs.log.warn('bridge:deaf', { bridge: this.name, error: messageOf(error) })
    }
  }

  stop(): void {
    this.#isRunning = false
    this.#cancelRetry?.()
    this.#cancelSubscription?.()
    this.#uplink?.stop()
    this.#downlink.stop()
  }

  report(): BridgeReport {
    const counts = this.#queue?.counts()
    const { received, passedOver } = this.#downlink
    return {
      name: this.name,
      broker: this.#needs.broker.name,
      waiting: (counts?.waiting ?? 0) + (counts?.taken ?? 0),
      waitingBytes: counts?.bytes ?? 0,
      refused: counts?.dead ?? 0,
      dropped: (counts?.dropped ?? 0) + this.#oversized,
      sent: this.#uplink?.sent ?? 0,
      received,
      passedOver,
      problem: this.#problem(counts?.dead ?? 0),
    }
  }

  /** What waits for the broker, and what it refused. */
  get letters(): BridgeLetters {
    return lettersOf(this.#queue)
  }

  async #open(): Promise<void> {
    this.#cancelRetry = null
    const { queues, topics, broker, clock, log } = this.#needs
    const { out } = this.#config
    try {
      const queue = await queues.open(`bridge-${this.name}`, limitsOf(this.#config))
      // What was refused may have been allowed since.
      if (this.#queue === null) await queue.replay('all')
      this.#queue = queue
      if (!this.#isRunning) return
      this.#uplink ??= new Uplink({ ...this.#needs, queue, routes: out })
      this.#uplink.start()
      const names = [...new Set(out.map(({ topic }) => topic))]
      const cancel = await topics.subscribe(subscriptionOf(this.#config), names, (message) =>
        this.#take(message),
      )
      this.#trouble = null
      if (this.#isRunning) this.#cancelSubscription = cancel
      else cancel()
    } catch (error) {
      this.#uplink?.stop()
      this.#failed('ERR_BRIDGE_STORE', error)
      log.warn('bridge:closed', { bridge: this.name, broker: broker.name, error: messageOf(error) })
      if (this.#isRunning) this.#cancelRetry = clock.after(openAgainMs, () => void this.#open())
    }
  }

  async #take(message: Parameters<Uplink['take']>[0]): Promise<void> {
    try {
      await this.#uplink?.take(message)
      this.#trouble = null
    } catch (error) {
      if (isSelvedgeError(error, 'ERR_QUEUE_TOO_LARGE')) {
        // It will not be smaller next time, and those behind it wait.
        this.#oversized += 1
        this.#needs.log.warn('bridge:oversized', {
          bridge: this.name,
          topic: message.topic,
          error: error.message,
        })
        return
      }
      this.#failed(isSelvedgeError(error, 'ERR_QUEUE_FULL') ? 'ERR_BRIDGE_FULL' : 'ERR_BRIDGE_STORE', error)
      // The mesh keeps it and hands it over again.
      throw error
    }
  }

  #failed(code: string, error: unknown): void {
    this.#trouble = { code, message: `bridge ${this.name}: ${messageOf(error)}` }
  }

  #problem(dead: number): BridgeReport['problem'] {
    if (this.#trouble !== null || this.#deaf !== null || dead === 0) return this.#trouble ?? this.#deaf
    const message = `bridge ${this.name}: the broker ${this.#needs.broker.name} refused ${dead} ${dead === 1 ? 'message' : 'messages'}`
    return { code: 'ERR_BRIDGE_REFUSED', message }
  }
}

export const subscriptionPrefix = 'bridge/'

/** The name of a bridge’s subscription, which outlives the process. */
export function subscriptionOf({ name, broker }: BridgeConfig): string {
  return `${subscriptionPrefix}${name ?? broker}`
}

function limitsOf({ items, size, 'when-full': whenFull }: BridgeConfig): QueueLimits {
  return { items, bytes: size, itemBytes: Math.min(size, itemBytes), whenFull, deadItems }
}
