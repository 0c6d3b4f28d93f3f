/** The thread that a node starts for its first app before anything else: when there is one, and who gets it. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { silentLog, systemClock } from '../../../core/index.ts'
import { createEngine, type Engine } from '../../../host/engine/index.ts'
import { startFirstThread, startThread, type IdleThread } from '../../../host/threads/index.ts'
import { preparedOnce, startGuest } from '../engine/kit.ts'

const program = new URL('../../../dist/sandbox.mjs', import.meta.url)
const heapMb = 32

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-first-thread-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function engineWith(firstThread: IdleThread): Engine {
  const limits = { sandboxHeapMb: heapMb }
  const log = silentLog
  const engine = createEngine({ cacheFolder: preparedOnce, clock: systemClock, log, limits, firstThread })
  onTestFinished(() => engine.stop())
  return engine
}

function ended({ worker }: IdleThread): Promise<unknown> {
  return new Promise((resolve) => worker.once('exit', resolve))
}

describe('a node that starts', () => {
  it('has no thread for an app where none ran before', async () => {
    expect(startFirstThread(join(folder, 'nothing'), program)).toBe(null)
    await mkdir(join(folder, 'new/apps'), { recursive: true })
    expect(startFirstThread(join(folder, 'new'), program)).toBe(null)
  })

  it('has one where an app ran', async () => {
    await mkdir(join(folder, 'old/apps'), { recursive: true })
    await writeFile(join(folder, 'old/apps/light-alarm.last-good.json'), '')
    const thread = startFirstThread(join(folder, 'old'), program)
    expect(thread?.isOver()).toBe(false)
    await thread?.worker.terminate()
    expect(thread?.isOver()).toBe(true)
  })
})

describe('an engine that is given a thread', () => {
  it('runs the first app in it', async () => {
    const thread = startThread(program, heapMb)
    const engine = engineWith(thread)
    await startGuest(engine, 'echo')
    expect(engine.starts).toMatchObject({ template: 1, cold: 0 })
    const gone = ended(thread)
    await engine.stop()
    await gone
  })

  it('ends one whose heap is another than its own, and starts an app without it', async () => {
    const thread = startThread(program, heapMb + 1)
    const gone = ended(thread)
    await startGuest(engineWith(thread), 'echo')
    await gone
  })

  it('starts an app also where the thread failed before it was taken', async () => {
    const thread = startThread(new URL('./nothing.mjs', program), heapMb)
    await ended(thread)
    await startGuest(engineWith(thread), 'echo')
  })

  it('ends it when it stops before any app came', async () => {
    const thread = startThread(program, heapMb)
    const gone = ended(thread)
    await engineWith(thread).stop()
    await gone
  })
})
