/** An engine whose node keeps a feature from apps, as one that does not have it: what it runs, and what it hands on. */
import { afterAll, expect, test } from 'vitest'
import { memoryFolder, silentLog, systemClock } from '../../../core/index.ts'
import { createEngine, supportedFeatures, type Engine } from '../../../host/engine/index.ts'
import { requestFor } from './kit.ts'

const cacheFolder = memoryFolder()
const engines: Engine[] = []
function engineWith(features: readonly string[]): Engine {
  const engine = createEngine({ cacheFolder, clock: systemClock, log: silentLog, features })
  engines.push(engine)
  return engine
}
const all = supportedFeatures()
const plain = engineWith(all.filter((feature) => feature !== 'simd'))
afterAll(() => Promise.all(engines.map((engine) => engine.stop())))

test('a component that uses it is not prepared, and who keeps it is said', async () => {
  const refused = plain.prepare(await requestFor('simd'))
  await expect(refused).rejects.toMatchObject({
    code: 'ERR_FEATURE_MISSING',
    message: expect.stringMatching(/uses simd; .*owner keeps it from apps/) as string,
  })
  expect(await cacheFolder.list()).toEqual([])
})

test('it is looked at all the same for other nodes, with what it needs of them', async () => {
  const facts = await plain.examine(await requestFor('simd'))
  expect(facts).toMatchObject({ features: ['simd'], memory: { startBytes: expect.any(Number) as number } })
})

test('it is refused for what would be wrong on every node', async () => {
  await expect(
    plain.examine(await requestFor('simd', { requiredExports: ['acme:robots/arms@1.0.0'] })),
  ).rejects.toMatchObject({
    code: 'ERR_HANDLER_MISSING',
  })
  const { memory } = await plain.examine(await requestFor('simd'))
  const tooLittle = await requestFor('simd', { memoryBytes: (memory?.startBytes ?? 0) - 65_536 })
  await expect(plain.examine(tooLittle)).rejects.toMatchObject({ code: 'ERR_MEMORY_LIMIT' })
})

test('what was prepared before its owner kept it is not run any more', async () => {
  const request = await requestFor('simd')
  await engineWith(all).prepare(request)
  expect(await cacheFolder.list()).toHaveLength(1)
  await expect(plain.prepare(request)).rejects.toMatchObject({ code: 'ERR_FEATURE_MISSING' })
})
