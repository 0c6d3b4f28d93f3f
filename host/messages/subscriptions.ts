/** The durable subscriptions of a node: which names hear which topics, over restarts. A small file, written when they change. */
import * as v from 'valibot'
import { messageOf, topicPattern, type DurableFolder, type Log } from '../../core/index.ts'
import { messageLimits as limits } from './contract.ts'
import { messageProblems } from './problems.ts'

const file = 'subscriptions.json'
const maxFileBytes = 1024 * 1024

const schema = v.object({
  v: v.literal(1),
  subscriptions: v.record(v.string(), v.array(v.pipe(v.string(), v.regex(topicPattern)))),
})

export class Subscriptions {
  readonly #folder: DurableFolder
  readonly #topics: Map<string, readonly string[]>
  /** The file was read: who is not among these subscribed to nothing before. */
  readonly isWhole: boolean
  #writing: Promise<void> = Promise.resolve()
  /** The disk may have something else. */
  #isOwed = false

  private constructor(folder: DurableFolder, topics: Map<string, readonly string[]>, isWhole = true) {
    this.#folder = folder
    this.#topics = topics
    this.isWhole = isWhole
  }

  /** What cannot be read is begun anew: whoever subscribes is in it again, and what waits for others keeps waiting. */
  static async open(folder: DurableFolder, log: Log): Promise<Subscriptions> {
    try {
      const bytes = await folder.read(file, maxFileBytes)
      if (bytes === null) return new Subscriptions(folder, new Map())
      const { subscriptions } = v.parse(schema, JSON.parse(new TextDecoder().decode(bytes)))
      return new Subscriptions(folder, new Map(Object.entries(subscriptions)))
    } catch (error) {
      log.error('messages:subscriptions', { error: messageOf(error) })
      return new Subscriptions(folder, new Map(), false)
    }
  }

  get names(): readonly string[] {
    return [...this.#topics.keys()].sort()
  }

  /** All that are heard, sorted. */
  get topics(): readonly string[] {
    return [...new Set([...this.#topics.values()].flat())].sort()
  }

  /** Who hears it. */
  hearing(topic: string): readonly string[] {
    return [...this.#topics].filter(([, topics]) => topics.includes(topic)).map(([name]) => name)
  }

  topicsOf(name: string): readonly string[] {
    return this.#topics.get(name) ?? []
  }

  /** @returns whether it is different from before, on the disk @throws ERR_MESSAGES_SUBSCRIPTIONS, and what the disk says */
  async set(name: string, topics: readonly string[]): Promise<boolean> {
    const wanted = [...new Set(topics)].sort()
    const known = this.#topics.get(name)
    if (!this.#isOwed && known !== undefined && known.join() === wanted.join()) return false
    const others = [...this.#topics].filter(([other]) => other !== name).flatMap(([, list]) => list)
    if (known === undefined && this.#topics.size >= limits.subscriptions)
      throw tooMany(limits.subscriptions, 'subscriptions')
    if (new Set([...others, ...wanted]).size > limits.topics) throw tooMany(limits.topics, 'topics')
    this.#topics.set(name, wanted)
    await this.#write()
    return true
  }

  /** @returns whether it was there */
  async remove(name: string): Promise<boolean> {
    if (!this.#topics.delete(name)) return false
    await this.#write()
    return true
  }

  /** The last write has what is there last. */
  #write(): Promise<void> {
    const turn = this.#writing.then(async () => {
      const subscriptions = Object.fromEntries(this.#topics)
      this.#isOwed = true
      await this.#folder.write(file, new TextEncoder().encode(JSON.stringify({ v: 1, subscriptions })))
      this.#isOwed = false
    })
    this.#writing = turn.catch(() => {})
    return turn
  }
}

function tooMany(most: number, what: string): Error {
  return messageProblems.error('ERR_MESSAGES_SUBSCRIPTIONS', `a node hears at most ${most} ${what}`)
}
