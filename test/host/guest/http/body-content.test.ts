import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ByteSink } from '../../../../host/guest/bytes.ts'
import { BodyContent } from '../../../../host/guest/http/body-content.ts'
import type { HttpWorld } from '../../../../host/guest/http/resource.ts'

/** Counts what is held, as the world of a guest does. */
function makeContent(): { content: BodyContent; held: () => number } {
  let held = 0
  const world = {
    spend: (bytes: number) => void (held += bytes),
    giveBack: (bytes: number) => void (held -= bytes),
  } as unknown as HttpWorld
  return { content: new BodyContent(world, 'HTTP-response-body-size', null), held: () => held }
}

/** Sizes on both sides of what is kept as characters. */
const pieces = fc.array(
  fc
    .tuple(fc.oneof(fc.nat(16), fc.integer({ min: 1_000, max: 5_000 })), fc.nat(255))
    .map(([size, seed]) => Uint8Array.from({ length: size }, (_, at) => (at * 31 + seed) % 256)),
  { maxLength: 6 },
)

describe('a body that a guest writes', () => {
  it('is the bytes it wrote, whether it is taken as text or as bytes', () => {
    fc.assert(
      fc.property(pieces, (written) => {
        const all = Buffer.concat(written)
        for (const wants of ['text', 'bytes']) {
          const { content, held } = makeContent()
          for (const piece of written) content.write(piece)
          expect(held()).toBe(all.length)
          const text = wants === 'text' ? content.text() : null
          if (text !== null) {
            expect(all.length).toBeLessThanOrEqual(4_096)
            expect(Buffer.from(text, 'latin1').equals(all)).toBe(true)
          } else expect(Buffer.from(content.whole() ?? []).equals(all)).toBe(true)
          expect(held()).toBe(0)
        }
      }),
    )
  })

  it('is the bytes it wrote where it begins to stream in the middle', () => {
    fc.assert(
      fc.property(pieces, pieces, (before, after) => {
        const { content, held } = makeContent()
        const sent: Uint8Array[] = []
        const sink = {
          capacity: () => 1_000_000,
          write: (bytes: Uint8Array) => void sent.push(bytes.slice()),
          close: () => {},
        } as unknown as ByteSink
        content.connect({ open: () => sink, finished: () => {}, aborted: () => {} })
        for (const piece of before) content.write(piece)
        expect(content.stream()).toBe(true)
        for (const piece of after) content.write(piece)
        expect(Buffer.concat(sent).equals(Buffer.concat([...before, ...after]))).toBe(true)
        expect(held()).toBe(0)
      }),
    )
  })
})
