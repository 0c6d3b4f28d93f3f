/** Core modules of WASI preview1 in the engine: what is refused, how they are capped, and how they run. */
import { afterAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import type { ComponentFacts, PrepareRequest, Sandbox, StartRequest } from '../../../host/engine/index.ts'
import { preview1Functions } from '../../../host/engine/preview1-offer.ts'
import { createPreview1 } from '../../../host/guest/preview1/index.ts'
import { coreModule } from '../../guests/index.ts'
import { makeEngine } from './kit.ts'

const engine = makeEngine()
afterAll(() => engine.stop())

const run = 'wasi:cli/run@0.2.12#run'

/** A module that writes its first argument to stdout and exits with the number of its variables. */
const command = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $args_get (i32.const 0) (i32.const 64)))
    (i32.store (i32.const 32) (i32.load (i32.const 0)))
    (i32.store (i32.const 36) (i32.const 5))
    (drop (call $fd_write (i32.const 1) (i32.const 32) (i32.const 1) (i32.const 40)))
    (drop (call $environ (i32.const 0) (i32.const 4)))
    (call $exit (i32.load (i32.const 0)))))`

async function requestOf(wat: string, changes: Partial<PrepareRequest> = {}): Promise<PrepareRequest> {
  const bytes = await coreModule(wat)
  const none = { granted: [], offered: [], requiredExports: [] }
  return { bytes, digest: digestOf(bytes), memoryBytes: 4 * 1024 * 1024, ...none, ...changes }
}

async function start(wat: string, changes: Partial<StartRequest> = {}): Promise<Sandbox> {
  const request = await requestOf(wat)
  const prepared = await engine.prepare(request)
  const { memoryBytes } = request
  return engine.start({ app: 'module', prepared, imports: [], deadlineMs: 5_000, memoryBytes, ...changes })
}

describe('a core module', () => {
  test('of preview1 is told from a component, and its _start named as a command', async () => {
    const { bytes, digest } = await requestOf(command)
    expect(await engine.inspect(bytes)).toEqual<ComponentFacts>({
      kind: 'module',
      digest,
      sizeBytes: bytes.length,
      imports: ['wasi_snapshot_preview1'],
      exports: ['wasi:cli/run@0.2.12'],
      features: [],
      memory: { startBytes: 65_536 },
    })
  })

  test('that imports anything else is refused with every such import named', async () => {
    const { bytes } = await requestOf(`(module
      (import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
      (import "wasi_snapshot_preview1" "fd_teleport" (func))
      (import "wasi_unstable" "fd_write" (func))
      (import "env" "memory" (memory 1)))`)
    const refusal = await engine.inspect(bytes).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'ERR_CORE_MODULE' })
    const { message } = refusal as Error
    expect(message).toContain('wasi_snapshot_preview1 fd_teleport')
    expect(message).toContain('wasi_unstable fd_write')
    expect(message).toContain('env memory, a memory')
    expect(message).not.toContain('sched_yield')
  })

  test('that is cut off or not valid is refused', async () => {
    const { bytes } = await requestOf(command)
    for (const broken of [bytes.slice(0, bytes.length - 9), Uint8Array.of(...bytes.slice(0, 8), 99, 1, 0)]) {
      await expect(engine.inspect(broken)).rejects.toMatchObject({
        code: 'ERR_COMPONENT_INVALID',
        message: expect.stringContaining('the module is not valid') as string,
      })
    }
  })

  test('that begins with more memory than it may have is refused', async () => {
    const request = await requestOf('(module (memory (export "memory") 100))')
    await expect(engine.prepare(request)).rejects.toMatchObject({ code: 'ERR_MEMORY_LIMIT' })
  })

  test('with a table of gigantic size is refused', async () => {
    const { bytes } = await requestOf('(module (table 9000000 funcref))')
    const request = { ...(await requestOf('(module)')), bytes, digest: digestOf(bytes) }
    await expect(engine.prepare(request)).rejects.toMatchObject({ code: 'ERR_COMPONENT_INVALID' })
  })

  test('does not stand in for a component whose handler a trigger calls', async () => {
    const request = await requestOf(command, { requiredExports: ['selvedge:edge/sensor-handler@0.1.0'] })
    await expect(engine.prepare(request)).rejects.toMatchObject({ code: 'ERR_HANDLER_MISSING' })
  })

  test('sees every function of preview1 that the engine lets it import', () => {
    const none = { read: () => null, ready: () => true, close: () => {} }
    const sink = { capacity: () => 1, write: () => {}, flush: () => {}, ready: () => true, close: () => {} }
    const { imports } = createPreview1({
      args: [],
      env: [],
      stdin: none,
      stdout: sink,
      stderr: sink,
      terminal: { stdin: false, stdout: false, stderr: false },
      files: { openPreopens: () => [] },
      wait: () => {},
      clock: { now: () => 0, monotonicMs: () => 0 },
      random: (length) => new Uint8Array(length),
      exit(code) {
        throw new Error(String(code))
      },
    })
    expect(new Set(Object.keys(imports.wasi_snapshot_preview1))).toEqual(preview1Functions)
  })
})

describe('a command of preview1', () => {
  test('has its arguments and variables, prints lines, and ends with its own exit code', async () => {
    const lines: string[] = []
    const env = [
      ['A', '1'],
      ['B', '2'],
    ] as const
    const sandbox = await start(command, {
      world: { args: ['hello'], env },
      output: (stream, line) => void lines.push(`${stream}: ${line}`),
    })
    await expect(sandbox.call(run, [])).rejects.toMatchObject({ code: 'ERR_APP_EXIT' })
    await expect(sandbox.ended).resolves.toMatchObject({ reason: 'exit', exitCode: 2 })
    expect(lines).toEqual(['stdout: hello'])
  })

  test('that exits with 0 has done what was asked, and is not run a second time', async () => {
    const sandbox = await start(command, { world: { args: ['hello'] } })
    await expect(sandbox.call(run, [])).resolves.toBeUndefined()
    await expect(sandbox.call(run, [])).rejects.toMatchObject({
      code: 'ERR_APP_TRAP',
      message: expect.stringContaining('runs once') as string,
    })
  })

  test('that traps says in which function', async () => {
    const sandbox = await start('(module (func $boom unreachable) (func (export "_start") (call $boom)))')
    await expect(sandbox.call(run, [])).rejects.toMatchObject({
      code: 'ERR_APP_TRAP',
      message: expect.stringMatching(/unreachable in boom < /) as string,
    })
  })

  test('cannot grow its memory past its limit', async () => {
    const sandbox = await start(`(module (memory (export "memory") 1)
      (func (export "_start") (loop $more (br_if $more (i32.ne (memory.grow (i32.const 8)) (i32.const -1))))
        unreachable))`)
    await expect(sandbox.call(run, [])).rejects.toMatchObject({ code: 'ERR_APP_TRAP' })
    expect(sandbox.usage.memoryBytes).toBeLessThanOrEqual(4 * 1024 * 1024)
  })

  test('that loops is ended at its deadline', async () => {
    const sandbox = await start('(module (func (export "_start") (loop $on (br $on))))', { deadlineMs: 200 })
    await expect(sandbox.call(run, [])).rejects.toMatchObject({ code: 'ERR_APP_DEADLINE' })
  })
})

describe('a reactor of preview1', () => {
  test('is initialised once, and its exports are called by their names', async () => {
    const sandbox = await start(`(module (global $base (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $base (i32.add (global.get $base) (i32.const 40))))
      (func (export "add-to") (param i32) (result i32) (i32.add (global.get $base) (local.get 0))))`)
    await expect(sandbox.call('add-to', [2])).resolves.toBe(42)
    await expect(sandbox.call('add-to', [3])).resolves.toBe(43)
    await sandbox.stop()
  })
})

describe('the last line of what a guest prints', () => {
  const prints = (after: string, start = '_start'): string => `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "first\\nlast \\c3")
    (func (export "${start}")
      (i32.store (i32.const 0) (i32.const 64))
      (i32.store (i32.const 4) (i32.const 12))
      (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      ${after}))`

  test.each([
    ['returns', ''],
    ['traps', 'unreachable'],
  ])('is told without its end where the guest %s, as are half characters', async (_how, after) => {
    const lines: string[] = []
    const sandbox = await start(prints(after), {
      output: (stream, line) => void lines.push(`${stream}: ${line}`),
    })
    await sandbox.call(run, []).catch(() => undefined)
    await sandbox.stop()
    expect(lines).toEqual(['stdout: first', 'stdout: last \uFFFD'])
  })

  test('is told where the guest dies while it is started', async () => {
    const lines: string[] = []
    const output = (stream: string, line: string): void => void lines.push(`${stream}: ${line}`)
    await expect(start(prints('unreachable', '_initialize'), { output })).rejects.toMatchObject({
      code: 'ERR_APP_START',
    })
    expect(lines).toEqual(['stdout: first', 'stdout: last \uFFFD'])
  })

  test('ends with the call that printed it', async () => {
    const lines: string[] = []
    const sandbox = await start(prints('', 'say'), { output: (_, line) => void lines.push(line) })
    await sandbox.call('say', [])
    await sandbox.call('say', [])
    await sandbox.stop()
    expect(lines).toEqual(['first', 'last \uFFFD', 'first', 'last \uFFFD'])
  })
})
