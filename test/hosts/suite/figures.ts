/**
 * What an app costs on the host: the transpile of light-alarm as a node does it, in a child, then taken from the cache,
 * and a warm invocation of it. Prints one line of JSON on descriptor 3.
 */
import { readFile, mkdtemp, rm } from 'node:fs/promises'
import { writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf, openFolder } from '../../../core/index.ts'
import type { PrepareRequest } from '../../../host/engine/index.ts'
import {
  devices,
  event,
  everything,
  handle,
  handler,
  log,
  makeEngine,
  offered,
} from '../../host/engine/kit.ts'
import type { HostFigures } from './protocol.ts'

const config = 'wasi:config/store@0.2.0-rc.1'
const memoryBytes = 1024 * 1024
const calls = 50

/** @param component of light-alarm */
export async function measureFigures(component: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-hosts-'))
  try {
    const figures = await measure(new Uint8Array(await readFile(component)), folder)
    writeSync(3, `${JSON.stringify(figures)}\n`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function measure(bytes: Uint8Array, folder: string): Promise<HostFigures> {
  const request: PrepareRequest = {
    bytes,
    digest: digestOf(bytes),
    granted: everything,
    offered,
    requiredExports: [handler],
    memoryBytes,
  }
  const first = makeEngine({}, await openFolder(folder))
  const transpileMs = await timed(() => first.prepare(request))
  await first.stop()
  // As after a restart: nothing but the disk knows of it.
  const engine = makeEngine({}, await openFolder(folder))
  try {
    const fromCacheMs = await timed(() => engine.prepare(request))
    const prepared = await engine.prepare(request)
    let written = 0
    const imports = [
      log(() => {}),
      ...devices(
        () => ({ value: 10, unit: 'lx', timeMs: 0n }),
        () => void (written += 1),
      ),
      { id: config, functions: { get: { mode: 'call' as const, run: () => '300' } } },
    ]
    const start = { app: 'light-alarm', prepared, imports, deadlineMs: 30_000, memoryBytes }
    const startedAt = performance.now()
    const sandbox = await engine.start(start)
    await sandbox.call(handle, [event(10, 1n)])
    const firstCallMs = performance.now() - startedAt
    const times: number[] = []
    for (let id = 2n; times.length < calls; id += 1n)
      times.push(await timed(() => sandbox.call(handle, [event(10, id)])))
    await sandbox.stop()
    if (written === 0) throw new Error('the app drove no pin')
    const callMs = times.sort((a, b) => a - b)[calls / 2] ?? Number.NaN
    return { transpileMs, fromCacheMs, firstCallMs, callMs }
  } finally {
    await engine.stop()
  }
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}
