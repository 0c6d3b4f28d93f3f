/** Whole nodes over real connections, with the thread that the daemon packs in. */
import { afterEach, expect, test } from 'vitest'
import { readRelease } from '../../../mesh/releases/index.ts'
import type { ObtainProgress } from '../../../mesh/index.ts'
import { isSame } from '../blobs/samples.ts'
import { Harbor } from '../harbor.ts'
import { until } from '../transport/nodes.ts'
import { newer, older } from './samples.ts'

let harbor: Harbor
afterEach(() => harbor.close())

test('what is published on one node comes to the next as a patch, which that one keeps for others', async () => {
  harbor = await Harbor.open()
  const a = await harbor.found('a')
  const b = await harbor.join('b', a)
  const olderRef = await a.blobs.putComponent(older)
  await b.blobs.putComponent(older)
  const first = await harbor.release({ seq: 1, component: olderRef })
  const { record } = (await a.publish(first)).release
  await until(() => b.releases.head(record.app)?.record.seq === 1)

  const component = await a.blobs.putComponent(newer)
  const previous = readRelease(first).digest
  await a.publish(await harbor.release({ seq: 2, version: '2.0.0', component, previous }))
  await until(() => b.releases.head(record.app)?.record.seq === 2)
  const seen: ObtainProgress[] = []
  const next = b.releases.head(record.app)?.record ?? record
  const bytes = await b.source.obtain(next, {
    signal: AbortSignal.timeout(60_000),
    onProgress: (progress) => seen.push(progress),
  })
  expect(isSame(bytes, newer)).toBe(true)
  expect(seen.at(-1)?.patchBytes).toBeGreaterThan(200)
  expect(seen.at(-1)?.fetchedBytes).toBeLessThan(1_000)
  expect(b.exchange.traffic.receivedBytes).toBe(0)
  expect(a.source.patchTraffic).toMatchObject({ made: 1, applied: 0 })
  expect(b.source.patchTraffic).toMatchObject({ made: 0, applied: 1 })
})
