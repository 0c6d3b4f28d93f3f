/**
 * Messages across an uplink that is down half of the time, between nodes that are killed and lose their power, in virtual
 * time from one seed: all arrive, none twice behind the subscription, and those of one key in their order.
 */
import { describe, expect, it } from 'vitest'
import { simSeed, withSeedAsync, type SeededRandom } from '../../sim/index.ts'
import { bytesOf, Post, textOf, type PostNode } from './post.ts'

const sent = 240
const keys = [null, null, 'a', 'b', 'c']

/** Cuts the line between them for as long as it is there, again and again, until told to stop. */
function breakLine(post: Post, random: SeededRandom): () => void {
  let isOver = false
  const turn = (isDown: boolean): void => {
    if (isOver) return post.network.heal()
    if (isDown) post.network.partition(['a'], ['b'])
    else post.network.heal()
    post.clock.after(2_000 + random.below(20_000), () => turn(!isDown))
  }
  turn(true)
  return () => (isOver = true)
}

/** Publishes now and then; a publisher that is told no, or hears nothing, publishes the same again, by its id. */
async function publishAll(post: Post, node: PostNode, random: SeededRandom): Promise<string[]> {
  const texts: string[] = []
  for (let at = 0; at < sent; at++) {
    const key = random.pick(keys)
    const message = { topic: 'light', key, body: bytesOf(`${at}`), id: `m${at}` }
    texts.push(`a ${key} ${at}`)
    for (let isPublished = false; !isPublished;) {
      await new Promise<void>((resolve) => post.clock.after(random.below(400), resolve))
      if (!node.isUp) continue
      isPublished = await Promise.race([
        node.publish(message).then(
          () => true,
          () => false,
        ),
        new Promise<boolean>((resolve) => post.clock.after(5_000, () => resolve(false))),
      ])
    }
  }
  return texts
}

/** Those of one key. */
function ofKey(events: readonly string[], key: string): string[] {
  return events.filter((event) => event.split(' ')[1] === key)
}

async function run(random: SeededRandom, kills: readonly ('a' | 'b')[]): Promise<Post> {
  const post = new Post(random)
  const [a, b] = [await post.node('a'), await post.node('b', ['light'])]
  const stopBreaking = breakLine(post, random)
  const over = { isIt: false }
  const publishing = publishAll(post, a, random)
  const killing = (async () => {
    for (let at = 0; !over.isIt && kills.length > 0; at++) {
      await new Promise<void>((resolve) => post.clock.after(3_000 + random.below(12_000), resolve))
      const node = kills[at % kills.length] === 'a' ? a : b
      node.kill()
      await new Promise<void>((resolve) => post.clock.after(random.below(8_000), resolve))
      await node.start()
    }
  })()
  const texts = await post.clock.finish(publishing, 3_600_000)
  over.isIt = true
  await post.clock.finish(killing, 60_000)
  stopBreaking()
  await post.clock.run(900_000)
  const events = await post.clock.finish(b.events(), 10_000)
  expect([...events].sort()).toEqual([...texts].sort())
  for (const key of ['a', 'b', 'c']) expect(ofKey(events, key)).toEqual(ofKey(texts, key))
  const report = await post.clock.finish(a.messaging.report(), 10_000)
  expect(report.journals.out.items).toBe(0)
  expect(report.counts).toMatchObject({ expired: 0, damaged: 0, unwanted: 0 })
  expect(post.attacks).toEqual([])
  return post
}

describe('messages across a line that is down half of the time', () => {
  it.each([1, 2, simSeed()])(
    'are all handed over, each once, in the order of their keys (seed %i)',
    async (seed) => {
      await withSeedAsync(seed, async (random) => {
        const post = await run(random, [])
        const handed = post.nodes.get('b')?.handed.map(textOf) ?? []
        expect(handed.length).toBe(sent)
        expect(new Set(handed).size).toBe(sent)
      })
    },
  )

  it.each([11, simSeed()])('and of a sender that loses its power (seed %i)', async (seed) => {
    await withSeedAsync(seed, async (random) => {
      const post = await run(random, ['a'])
      const handed = post.nodes.get('b')?.handed.map(textOf) ?? []
      expect(new Set(handed).size).toBe(handed.length)
    })
  })

  it.each([21, 22, simSeed()])(
    'and of both: each is once behind the subscription (seed %i)',
    async (seed) => {
      await withSeedAsync(seed, async (random) => void (await run(random, ['a', 'b'])))
    },
  )
})
