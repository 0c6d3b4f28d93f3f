import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf, memoryFolder, silentLog, systemClock } from '../../../core/index.ts'
import { shareMemory, sizesOf, smallestBudgetBytes } from '../../../host/budget/index.ts'
import { createEngine, type ComponentFacts, type Engine } from '../../../host/engine/index.ts'
import { interfaceOffers } from '../../../host/interfaces/index.ts'
import { guest } from '../../guests/index.ts'
import { event, handle, handler, log, logging, makeEngine, pins, requestFor, sensors } from './kit.ts'

let engine: Engine
beforeAll(() => {
  engine = makeEngine({ componentBytes: 100_000 })
})
afterAll(() => engine.stop())

describe('inspect', () => {
  test('names what a component imports and exports', async () => {
    const bytes = await guest('relay')
    expect(await engine.inspect(bytes)).toEqual<ComponentFacts>({
      kind: 'component',
      digest: digestOf(bytes),
      sizeBytes: bytes.length,
      imports: [pins, sensors],
      exports: [handler],
      features: [],
      memory: { startBytes: 65_536 },
      functions: expect.anything() as never,
    })
  })

  test('leaves out interfaces that are imported for their types alone', async () => {
    expect((await engine.inspect(await guest('echo'))).imports).toEqual([logging])
  })

  test('finds SIMD inside a function body', async () => {
    expect((await engine.inspect(await guest('simd'))).features).toEqual(['simd'])
  })

  test.each([
    ['nothing', new Uint8Array(), /empty/],
    ['a text', Buffer.from('#!/bin/sh\necho hello'), /begins with "#!\/bin\/sh/],
    ['its text form', Buffer.from(' ;; hello\n(module $m)'), /text \(WAT\)/],
    ['a text', Buffer.from('(moduleless)'), /begins with/],
    ['a picture', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0), /begins with bytes 8950/],
  ])('says of %s that it is not WebAssembly', async (_, bytes, message) => {
    await expect(engine.inspect(new Uint8Array(bytes))).rejects.toMatchObject({
      code: 'ERR_NOT_WASM',
      message: expect.stringMatching(message) as string,
    })
  })

  test('refuses a component over the size limit, and says both sizes', async () => {
    const bytes = new Uint8Array(100_001)
    bytes.set(await guest('echo'))
    await expect(engine.inspect(bytes)).rejects.toMatchObject({
      code: 'ERR_COMPONENT_TOO_LARGE',
      message: expect.stringMatching(/100001 .*100000/) as string,
    })
  })

  test('refuses a component that is cut short', async () => {
    const bytes = await guest('echo')
    await expect(engine.inspect(bytes.slice(0, bytes.length - 100))).rejects.toMatchObject({
      code: 'ERR_COMPONENT_INVALID',
    })
  })

  test('refuses a component whose parts are well formed and do not fit together', async () => {
    // An export section that exports an instance which does not exist.
    const section = [0x00, 0x01, 0x61, 0x05, 0x07, 0x00]
    const bytes = Uint8Array.of(0, 0x61, 0x73, 0x6d, 13, 0, 1, 0, 11, section.length + 1, 1, ...section)
    await expect(engine.inspect(bytes)).rejects.toMatchObject({
      code: 'ERR_COMPONENT_INVALID',
      message: expect.stringContaining('not valid') as string,
    })
  })
})

describe('prepare', () => {
  test('names every import that was not granted, and the line that grants it', async () => {
    const request = await requestFor('relay', { granted: [] })
    const refusal = (await engine.prepare(request).catch((error: unknown) => error)) as Error & {
      hint: string
    }
    expect(refusal).toMatchObject({ code: 'ERR_IMPORTS_REFUSED' })
    expect(refusal.message).toContain(`${sensors}: not granted`)
    expect(refusal.message).toContain(`${pins}: not granted`)
    expect(refusal.hint).toContain('pins = ["NAME"] and sensors = ["NAME"] under [grants]')
    expect(refusal.hint).toContain('--grant pin:NAME --grant sensor:NAME')
  })

  test('names an origin where the grant takes one', async () => {
    const request = await requestFor('fetch-http', {
      granted: [],
      offered: interfaceOffers,
      requiredExports: [],
    })
    await expect(engine.prepare(request)).rejects.toMatchObject({
      hint: 'write http = ["https://HOST"] under [grants] in selvedge.toml (or publish with `--grant http:https://HOST`)',
    })
  })

  test('names every import that no node has, and the nearest that this one has', async () => {
    const refusal = (await engine
      .prepare(await requestFor('unknown'))
      .catch((error: unknown) => error)) as Error
    expect(refusal).toMatchObject({ code: 'ERR_IMPORTS_REFUSED' })
    expect(refusal.message).toContain('acme:radio/link@1.0.0: not an interface of this node')
    expect(refusal.message).toMatch(/wasi:random\/dice@0\.2\.0: not an .* wasi:random\/[\w-]+@0\.2\.12/)
  })

  test('refuses a component without the handler that a trigger calls, and says what it exports', async () => {
    const request = await requestFor('wasi', { requiredExports: [handler] })
    await expect(engine.prepare(request)).rejects.toMatchObject({
      code: 'ERR_HANDLER_MISSING',
      message: expect.stringMatching(/sensor-handler.*print/) as string,
    })
  })

  test('refuses a component that begins with more memory than its limit', async () => {
    const request = await requestFor('large', { memoryBytes: 99 * 65_536 })
    await expect(engine.prepare(request)).rejects.toMatchObject({
      code: 'ERR_MEMORY_LIMIT',
      message: expect.stringMatching(/6553600 bytes.*6488064/) as string,
    })
    await expect(engine.prepare({ ...request, memoryBytes: 100 * 65_536 })).resolves.toMatchObject({
      fresh: true,
    })
  })

  test('refuses bytes that are not those of the signed record', async () => {
    const request = await requestFor('echo', { digest: digestOf(Buffer.from('another')) })
    await expect(makeEngine().prepare(request)).rejects.toMatchObject({ code: 'ERR_PREPARE_FAILED' })
  })

  test('gives up on a child that takes too long', async () => {
    const hasty = makeEngine({ prepareMs: 1 })
    await expect(hasty.inspect(await guest('echo'))).rejects.toMatchObject({
      code: 'ERR_PREPARE_FAILED',
      message: expect.stringContaining('longer than 1 ms') as string,
    })
  })
})

describe('the cache', () => {
  test('spares the child the second time, also to another engine', async () => {
    const folder = memoryFolder()
    const request = await requestFor('echo')
    const first = await makeEngine({}, folder).prepare(request)
    expect(first.fresh).toBe(true)
    // With no time for a child, only the cache can answer.
    const second = await makeEngine({ prepareMs: 1 }, folder).prepare(request)
    expect(second).toEqual({ ...first, fresh: false })
  })

  test('does not spare the check of the grants', async () => {
    const folder = memoryFolder()
    const warm = makeEngine({}, folder)
    const request = await requestFor('relay')
    await warm.prepare(request)
    await expect(warm.prepare({ ...request, granted: [] })).rejects.toMatchObject({
      code: 'ERR_IMPORTS_REFUSED',
    })
  })

  test('keeps one entry for each memory limit', async () => {
    const folder = memoryFolder()
    const warm = makeEngine({}, folder)
    const request = await requestFor('echo')
    await warm.prepare(request)
    await expect(warm.prepare({ ...request, memoryBytes: 1024 * 1024 })).resolves.toMatchObject({
      fresh: true,
    })
    expect(await folder.list()).toHaveLength(2)
  })

  test.each([0, 70, 200, 5_000, -1])(
    'throws away an entry with a wrong byte at %i, and makes it again',
    async (at) => {
      const folder = memoryFolder()
      const warm = makeEngine({}, folder)
      const request = await requestFor('echo')
      const { entry } = await warm.prepare(request)
      const bytes = (await folder.read(entry, 10_000_000))!
      const index = at < 0 ? bytes.length + at : at
      bytes[index] = bytes[index]! ^ 1
      await folder.write(entry, bytes)
      const again = await warm.prepare(request)
      expect(again).toMatchObject({ entry, fresh: true })
      const sandbox = await warm.start({
        app: 'echo',
        prepared: again,
        imports: [log(() => {})],
        deadlineMs: 5_000,
        memoryBytes: request.memoryBytes,
      })
      await expect(sandbox.call(handle, [event(1)])).resolves.toBeUndefined()
      await warm.stop()
    },
  )

  test('never starts from an entry that was damaged since', async () => {
    const folder = memoryFolder()
    const warm = makeEngine({}, folder)
    const request = await requestFor('echo')
    const prepared = await warm.prepare(request)
    await folder.write(prepared.entry, (await folder.read(prepared.entry, 10_000_000))!.slice(0, -1))
    const { memoryBytes } = request
    await expect(
      warm.start({ app: 'echo', prepared, imports: [], deadlineMs: 1_000, memoryBytes }),
    ).rejects.toMatchObject({ code: 'ERR_CACHE_ENTRY' })
  })

  test('tells of an entry that was altered, and makes it again', async () => {
    const cacheFolder = memoryFolder()
    const request = await requestFor('echo')
    const { entry } = await makeEngine({}, cacheFolder).prepare(request)
    const bytes = (await cacheFolder.read(entry, 10_000_000)) as Uint8Array
    const altered = bytes.slice()
    altered[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    await cacheFolder.write(entry, altered)
    const told: string[] = []
    const onDamaged = (detail: string): void => void told.push(detail)
    const engine = createEngine({ cacheFolder, clock: systemClock, log: silentLog, onDamaged })
    await engine.prepare(request)
    expect(told).toEqual([expect.stringContaining(entry.slice(0, 8))])
    expect(await cacheFolder.read(entry, 10_000_000)).not.toEqual(altered)
    await engine.stop()
  })

  test('keeps no more entries than it may, and those in use longest', async () => {
    const folder = memoryFolder()
    const small = makeEngine({ cacheEntries: 2 }, folder)
    const first = await small.prepare(await requestFor('echo'))
    const second = await small.prepare(await requestFor('trap'))
    await small.prepare(await requestFor('echo'))
    const third = await small.prepare(await requestFor('loop'))
    expect(await folder.list()).toEqual([first.entry, third.entry].sort())
    expect(await folder.list()).not.toContain(second.entry)
  })
})

test('a component that takes more memory to prepare than there is for that is refused with the numbers', async () => {
  const component = join(import.meta.dirname, '../../../components/light-alarm-ts/build/light-alarm-ts.wasm')
  const bytes = new Uint8Array(await readFile(component))
  const request = {
    ...(await requestFor('echo')),
    bytes,
    digest: digestOf(bytes),
    offered: interfaceOffers,
    granted: interfaceOffers.map(({ id }) => id),
    memoryBytes: 16 * 1024 * 1024,
  }
  const small = makeEngine({ preparePages: 96 })
  await expect(small.prepare(request)).rejects.toMatchObject({
    code: 'ERR_PREPARE_MEMORY',
    message: expect.stringMatching(
      /^preparing a component of \d+ KiB took \d MiB of memory and was not done; this node has no more for that$/,
    ) as string,
  })
  await small.stop()
  // The memory that the smallest node has for it is enough.
  const { prepareHeapMb, preparePages } = sizesOf(shareMemory(smallestBudgetBytes))
  const enough = makeEngine({ prepareHeapMb, preparePages })
  expect((await enough.prepare(request)).fresh).toBe(true)
  await enough.stop()
})
