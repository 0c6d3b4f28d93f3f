/** What becomes of an app's promised events when the app leaves its node. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openFolder, systemClock } from '../../../core/index.ts'
import { DurableEvents } from '../../../host/apps/durable-events.ts'
import { diskQueues, type Queues } from '../../../host/queue/index.ts'

let folder: string
let queues: Queues
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-events-'))
  queues = diskQueues(await openFolder(folder), systemClock)
})
afterEach(async () => {
  await queues.close()
  await rm(folder, { recursive: true, force: true })
})

const eventsOf = (): DurableEvents =>
  new DurableEvents('app', queues, { clock: systemClock, notWritten() {}, died() {}, due() {} })
const tick = { payload: { schedule: 's' } }

it('an app that leaves takes its queue with it where nothing is in it', async () => {
  const events = eventsOf()
  await events.put('lane', 1, tick, null)
  const store = events.store('lane')
  const taken = await store.take(1)
  expect(taken).toHaveLength(1)
  store.handled(taken)
  expect(await readdir(folder)).toContain('events.app.sqlite')
  await events.forget()
  expect(await readdir(folder)).toEqual([])
})

it('an app that leaves with events that it was promised has them when it comes back', async () => {
  const events = eventsOf()
  await events.put('lane', 1, tick, null)
  await events.forget()
  const again = eventsOf()
  await again.open()
  expect(await again.store('lane').take(1)).toMatchObject([{ id: 1 }])
  await again.close()
})

it('an app that never had a queue leaves none', async () => {
  await eventsOf().forget()
  expect(await readdir(folder)).toEqual([])
})
