/** From a broker into the mesh: the broker is told that it was received when the message is on this node's disk. */
import { isSelvedgeError, wholeStart, type Cancel } from '../../../core/index.ts'
import { messageLimits, type Topics } from '../../messages/index.ts'
import type { Broker, BrokerMessage } from '../contract.ts'
import type { InRoute, PassedOver } from './contract.ts'
import { idIn, isEcho, marksIn } from './marks.ts'
import { Seen } from './seen.ts'

export interface DownlinkNeeds {
  readonly broker: Broker
  readonly topics: Pick<Topics, 'publish'>
  readonly routes: readonly InRoute[]
  /** This mesh's id. */
  readonly mesh: string
}

export class Downlink {
  readonly #needs: DownlinkNeeds
  readonly #seen = new Seen()
  readonly #passedOver: Record<PassedOver, number> = { repeated: 0, echo: 0, oversized: 0 }
  #cancels: Cancel[] = []
  #received = 0

  constructor(needs: DownlinkNeeds) {
    this.#needs = needs
  }

  /** @throws ERR_TOPIC_INVALID, ERR_BROKER_FILTERS */
  start(): void {
    const { broker, routes } = this.#needs
    for (const { topic, to } of routes)
      this.#cancels.push(broker.take(topic, (message) => this.#take(message, to)))
  }

  stop(): void {
    for (const cancel of this.#cancels.splice(0)) cancel()
  }

  get received(): number {
    return this.#received
  }

  get passedOver(): Readonly<Record<PassedOver, number>> {
    return this.#passedOver
  }

  async #take(message: BrokerMessage, to: string): Promise<void> {
    const { broker, topics, mesh } = this.#needs
    if (isEcho(message, mesh)) return void (this.#passedOver.echo += 1)
    if (this.#seen.has(message)) return void (this.#passedOver.repeated += 1)
    const { payload, contentType, topic } = message
    if (payload.length > messageLimits.bodyBytes) return void (this.#passedOver.oversized += 1)
    const id = idIn(message, to)
    try {
      await topics.publish({
        topic: to,
        // The order of one topic at the broker is kept in the mesh.
        key: wholeStart(topic, messageLimits.keyChars),
        body: payload,
        contentType: contentType === null ? null : wholeStart(contentType, messageLimits.contentTypeChars),
        metadata: marksIn(message, broker.name),
        ...(id !== null && { id }),
      })
    } catch (error) {
      // It would be refused again whenever the broker gave it again, and everything behind it would wait for ever.
      if (!isSelvedgeError(error, 'ERR_MESSAGE_TOO_LARGE', 'ERR_MESSAGE_INVALID', 'ERR_MESSAGE_TOPIC'))
        throw error
      return void (this.#passedOver.oversized += 1)
    }
    this.#seen.add(message)
    this.#received += 1
  }
}
