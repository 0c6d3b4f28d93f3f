/** What a body without an end costs: measured of a whole process, so in one of its own. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { HttpGuests } from './http-guests.ts'
import { downloaded, uncollectedBytes } from './long-body.ts'

const guests = new HttpGuests()

beforeAll(async () => {
  await Promise.all([guests.server.start(), guests.start('endless-http')])
})

afterAll(() => guests.stop())

it('a guest may answer for ever, and neither its sandbox nor the node grows by it', async () => {
  const mib = 1024 * 1024
  const held: number[] = []
  const resident: number[] = []
  await downloaded(guests.server.address!.port, '/endless-http/', 350 * mib, (bytes) => {
    if (bytes < (50 + 100 * held.length) * mib) return
    held.push(uncollectedBytes())
    resident.push(process.memoryUsage().rss)
  })
  expect(held.length).toBe(4)
  expect(Math.max(...held)).toBeLessThan(32 * mib)
  // Of the whole process, the sandbox's thread with it; a third of what has passed would be far more.
  expect(Math.max(...resident) - resident[0]!).toBeLessThan(100 * mib)
})
