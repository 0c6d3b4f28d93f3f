/** A pin that exists only here and remembers its edges: for learning, demonstrations and tests. */
import * as v from 'valibot'
import { maxPinEdges, type Pin, type PinDriver, type PinEdge } from '../contract.ts'

const options = v.strictObject({
  /** The level before anyone has written one. */
  initial: v.optional(v.boolean(), false),
})

export const simulatedPin: PinDriver<v.InferOutput<typeof options>> = {
  kind: 'simulated',
  summary: 'a pin in memory that records its edges',
  options,
  async open(name, { initial }, { clock }): Promise<Pin> {
    const edges: PinEdge[] = []
    let level = initial
    return {
      name,
      driver: 'simulated',
      read: async () => level,
      async write(next) {
        if (next === level) return
        level = next
        edges.push({ level, timeMs: clock.now() })
        if (edges.length > maxPinEdges) edges.shift()
      },
      edges: () => edges.slice(),
      async close() {},
    }
  },
}
