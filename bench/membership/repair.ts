/**
 * What it takes to keep records equal while nothing changes: the daemon's own decisions (`mesh/heads`) on every node of a
 * mesh, over the connections that membership keeps, in virtual time.
 */
import { digestOf } from '../../core/index.ts'
import { HeadSync } from '../../mesh/heads/head-sync.ts'
import type { HeadEvent } from '../../mesh/heads/head-events.ts'
import { encodeMessage } from '../../mesh/heads/message.ts'
import { Rings } from '../../mesh/membership/index.ts'
import { EventQueue } from '../../test/sim/event-queue.ts'
import { SeededRandom } from '../../test/sim/index.ts'
import { overheadBytes } from '../../test/sim/membership-world.ts'

/** What is compared is one number and one digest, however many records they are of. */
const records = 100
/** Until neighbours that agree compare as seldom as they ever do. */
const calmMs = 90_000
const latencyMs = 20

interface Node {
  readonly name: string
  readonly sync: HeadSync
  wakeMs: number
}

/** @returns bytes that a node sends per second, on average of all */
export function repairBytes(seed: number, nodes: number, countedMs: number): number {
  const world = new RepairWorld(new SeededRandom(seed), nodes)
  world.run(calmMs)
  const before = world.sentBytes
  world.run(countedMs)
  return (world.sentBytes - before) / nodes / (countedMs / 1_000)
}

class RepairWorld {
  sentBytes = 0
  readonly #random: SeededRandom
  readonly #queue = new EventQueue<() => void>()
  readonly #nodes = new Map<string, Node>()
  #nowMs = 0

  constructor(random: SeededRandom, count: number) {
    this.#random = random
    const rings = new Rings(Array.from({ length: count }, (_, index) => `n${index}`))
    for (const name of rings.nodes) {
      this.#nodes.set(name, { name, sync: new HeadSync(random), wakeMs: Infinity })
    }
    for (const node of this.#nodes.values()) {
      for (let record = 0; record < records; record++) {
        const bytes = new TextEncoder().encode(`record ${record}`)
        const head = { key: `node/n${record}`, order: [1, 1] as const, digest: digestOf(bytes), bytes }
        this.#feed(node, { type: 'changed', head })
      }
    }
    for (const node of this.#nodes.values()) {
      for (const peer of rings.neighbours(node.name)) this.#feed(node, { type: 'peer-up', peer })
    }
  }

  run(ms: number): void {
    const end = this.#nowMs + ms
    while (this.#queue.nextMs <= end) {
      this.#nowMs = this.#queue.nextMs
      this.#queue.pop()?.()
    }
    this.#nowMs = end
  }

  #feed(node: Node, event: HeadEvent): void {
    for (const action of node.sync.on(event, this.#nowMs)) {
      if (action.type !== 'send') throw new Error(`nothing is to be repaired here: ${action.type}`)
      const { peer, message } = action
      this.sentBytes += overheadBytes + encodeMessage(message).length
      const to = this.#nodes.get(peer)
      if (to === undefined) throw new Error(`nobody is called ${peer}`)
      this.#queue.push(this.#nowMs + latencyMs * this.#random.fraction(), () =>
        this.#feed(to, { type: 'message', peer: node.name, message }),
      )
    }
    this.#wake(node)
  }

  #wake(node: Node): void {
    const { wakeMs } = node.sync
    if (wakeMs >= node.wakeMs && node.wakeMs > this.#nowMs) return
    node.wakeMs = wakeMs
    if (wakeMs === Infinity) return
    this.#queue.push(Math.max(wakeMs, this.#nowMs), () => {
      if (node.wakeMs !== wakeMs) return
      node.wakeMs = Infinity
      this.#feed(node, { type: 'tick' })
    })
  }
}
