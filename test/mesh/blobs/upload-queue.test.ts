/** What a node sends first, how much of it is on the way, and caps on bytes per second. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf, TokenBucket } from '../../../core/index.ts'
import { blobLimits } from '../../../mesh/blobs/index.ts'
import { SentCounts, UploadQueue } from '../../../mesh/blobs/upload-queue.ts'

const digests = Array.from({ length: 40 }, (_, index) => digestOf(Uint8Array.of(index)))

function drained(queue: UploadQueue): string[] {
  const sent: string[] = []
  for (let next = queue.next(); next !== null; next = queue.next()) sent.push(next.digest)
  return sent
}

test('what was sent to nobody goes before what a neighbour has got', () => {
  const counts = new SentCounts()
  const [a, b] = [new UploadQueue(counts), new UploadQueue(counts)]
  a.want(digests.slice(0, 3))
  expect(drained(a)).toEqual(digests.slice(0, 3))
  b.want(digests.slice(0, 6))
  expect(drained(b)).toEqual([...digests.slice(3, 6), ...digests.slice(0, 3)])
})

test('what was cancelled is not sent, and what is wanted twice is sent once', () => {
  const queue = new UploadQueue(new SentCounts())
  queue.want(digests.slice(0, 4))
  queue.want(digests.slice(0, 4))
  queue.cancel(digests.slice(1, 3))
  expect(drained(queue)).toEqual([digests[0], digests[3]])
  expect(queue.size).toBe(0)
})

test('components take turns by bytes, so that a large one does not hold up a small one', () => {
  const queue = new UploadQueue(new SentCounts())
  queue.want(digests.slice(0, 30), 'large')
  queue.want(digests.slice(30, 34), 'small')
  const order: string[] = []
  for (let next = queue.next(); next !== null; next = queue.next()) {
    order.push(next.group)
    queue.sent(next.group, 16_384, 0)
  }
  expect(order.slice(0, 8).filter((group) => group === 'small')).toHaveLength(4)
})

test('wants beyond the limit are refused, so that a flood takes bounded memory', () => {
  const queue = new UploadQueue(new SentCounts())
  const many = Array.from({ length: blobLimits.queuedWants + 5 }, (_, index) => `${index}`)
  expect(queue.want(many)).toHaveLength(5)
  expect(queue.size).toBe(blobLimits.queuedWants)
})

test('no more is on the way than about the round trip holds, whatever the peer says came', () => {
  const queue = new UploadQueue(new SentCounts())
  queue.want(Array.from({ length: 1_000 }, (_, index) => digestOf(Uint8Array.of(index >> 8, index & 255))))
  // 1 MB/s over a round trip of 40 ms: what is sent comes so much later.
  const arrivals: { at: number; total: number }[] = []
  let [sent, free, most] = [0, 0, 0]
  for (let now = 0; now < 5_000; now++) {
    while (arrivals[0] !== undefined && arrivals[0].at <= now)
      queue.got((arrivals.shift() as { total: number }).total, now)
    while (queue.isReady(now)) {
      const next = queue.next()
      if (next === null) break
      sent += 16_384
      queue.sent(next.group, 16_384, now)
      free = Math.max(free, now) + 16.384
      arrivals.push({ at: free + 40, total: sent })
    }
    if (now > 1_000) most = Math.max(most, queue.bytesOnTheWay)
  }
  // The line was busy all the time …
  expect(sent).toBeGreaterThan(4_800_000)
  // … and little waited in it.
  expect(most).toBeLessThan(260_000)
  queue.got(Number.MAX_SAFE_INTEGER, 6_000)
  expect(queue.bytesOnTheWay).toBeGreaterThanOrEqual(0)
})

test('a bucket lets no more pass than its rate and what it saved up, and no less', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 10_000_000 }),
      fc.array(fc.integer({ min: 1, max: 65_536 }), { minLength: 1, maxLength: 200 }),
      (rate, pieces) => {
        const bucket = new TokenBucket(rate)
        let [now, passed] = [0, 0]
        for (const piece of pieces) {
          now += bucket.waitMs(now)
          expect(bucket.has(now)).toBe(true)
          bucket.take(piece, now)
          passed += piece
        }
        const last = pieces.at(-1) as number
        expect(passed - last).toBeLessThanOrEqual(rate * 0.5 + (rate * now) / 1_000 + 1)
        // It never waits longer than needed: a millisecond of rounding for each piece.
        expect(now).toBeLessThanOrEqual(Math.max(0, (passed / rate - 0.5) * 1_000) + pieces.length + 1)
      },
    ),
  )
})

test('a bucket whose debt is paid to the byte gives again', () => {
  const bucket = new TokenBucket(1_000)
  bucket.take(501, 0)
  expect(bucket.waitMs(0)).toBe(1)
  expect(bucket.has(1)).toBe(true)
})

test('a bucket without a cap never waits', () => {
  const bucket = new TokenBucket(Number.POSITIVE_INFINITY)
  bucket.take(1e12, 0)
  expect(bucket.waitMs(0)).toBe(0)
})
