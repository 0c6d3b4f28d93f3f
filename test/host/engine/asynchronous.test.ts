/** Components of WASI 0.3 through the whole engine. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { readFile } from 'node:fs/promises'
import { afterAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import type { Engine, PrepareRequest, Sandbox } from '../../../host/engine/index.ts'
import { makeEngine } from './kit.ts'

const engine: Engine = makeEngine()
afterAll(() => engine.stop())

async function requestFor(name: string): Promise<PrepareRequest> {
  const bytes = await parse(await readFile(new URL(`../../guests/${name}.wat`, import.meta.url), 'utf8'))
  return {
    bytes,
    digest: digestOf(bytes),
    granted: [],
    offered: [],
    requiredExports: [],
    memoryBytes: 4 * 1024 * 1024,
  }
}

const canSuspend = 'Suspending' in WebAssembly
const here = `Node.js ${process.version} ${canSuspend ? 'suspends guests' : 'cannot suspend a guest'}`

test('an asynchronous component is known as one, on every Node.js', async () => {
  const facts = await engine.inspect((await requestFor('p3-nap')).bytes)
  expect(facts.features).toEqual(['component-model-async'])
  expect(facts.imports).toEqual(['wasi:cli/exit@0.3.0', 'wasi:clocks/monotonic-clock@0.3.0'])
})

describe.skipIf(canSuspend)(`without JSPI (${here})`, () => {
  test('it is refused before anything is started, with what would run it', async () => {
    await expect(engine.prepare(await requestFor('p3-nap'))).rejects.toMatchObject({
      code: 'ERR_FEATURE_MISSING',
      message: expect.stringMatching(/asynchronous \(WASI 0\.3, component-model-async\)/) as string,
      hint: expect.stringMatching(/Node\.js 24/) as string,
    })
  })
})

describe.skipIf(!canSuspend)(`with JSPI (${here})`, () => {
  const start = async (name: string, deadlineMs = 5_000): Promise<Sandbox> => {
    const request = await requestFor(name)
    const prepared = await engine.prepare(request)
    return engine.start({ app: name, prepared, imports: [], deadlineMs, memoryBytes: request.memoryBytes })
  }

  test('its functions are called like any other, and wait without holding anything up', async () => {
    const sandbox = await start('p3-nap')
    expect(await sandbox.call('nap', [1_000_000n])).toBe(1)
    expect(await sandbox.call('nap', [0n])).toBe(2)
    await sandbox.stop()
  })

  test('so are functions without a callback', async () => {
    const sandbox = await start('p3-stackful')
    expect(await sandbox.call('nap', [1_000_000n])).toBe(0)
    await sandbox.stop()
  })

  test('a trap after a wait ends the sandbox as a trap', async () => {
    const sandbox = await start('p3-nap')
    await expect(sandbox.call('trap', [1_000n])).rejects.toMatchObject({ code: 'ERR_APP_TRAP' })
    expect(await sandbox.ended).toMatchObject({ reason: 'trap' })
  })

  test('an exit after a wait ends it with its code', async () => {
    const sandbox = await start('p3-nap')
    await expect(sandbox.call('quit', [1_000n])).rejects.toMatchObject({ code: 'ERR_APP_EXIT' })
    expect(await sandbox.ended).toMatchObject({ reason: 'exit', exitCode: 7 })
  })

  test('one that waits beyond its deadline is stopped', async () => {
    const sandbox = await start('p3-nap', 200)
    await expect(sandbox.call('nap', [3_600_000_000_000n])).rejects.toMatchObject({
      code: 'ERR_APP_DEADLINE',
    })
  })

  test('a command ends well when its input is at its end', async () => {
    const sandbox = await start('p3-cat')
    await expect(sandbox.call('wasi:cli/run@0.3.0#run', [])).resolves.toBeUndefined()
    await sandbox.stop()
  })
})
