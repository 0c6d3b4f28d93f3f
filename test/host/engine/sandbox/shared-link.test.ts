/** The end of a shared thread by itself: who is asked for it. The thread is one that dies as it is told to. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SharedThreads } from '../../../../host/engine/sandbox/shared-link.ts'
import type { LinkOptions, SandboxLink } from '../../../../host/engine/sandbox/link.ts'
import { sharedCells } from '../../../../host/guest/index.ts'

/** The first sandbox that is spoken to takes the thread; the second message, or the one marked so, ends it. */
const thread = (end: string, marks: boolean): string => `
import { workerData } from 'node:worker_threads'
const cells = new Int32Array(workerData.shared)
workerData.port.on('message', ({ sandbox }) => {
  if (${marks}) Atomics.store(cells, ${sharedCells.held}, sandbox)
  ${end}
})`
/** A little at a time: a loop that never pauses can outrun the end of the thread, and V8 then ends the process. */
const heapRunsFull =
  'const hog = []; setInterval(() => { for (let n = 0; n < 50; n++) hog.push(new Array(500).fill(n + 0.5)) }, 1)'
const dies = 'process.exit(7)'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-shared-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Tenant {
  readonly link: SandboxLink
  readonly ended: Promise<[reason: string, message: string]>
}

async function tenants(count: number, program: string): Promise<Tenant[]> {
  const path = join(folder, `${Math.random()}.mjs`)
  await writeFile(path, program)
  const threads = new SharedThreads()
  return Array.from({ length: count }, (): Tenant => {
    let resolve!: (end: [string, string]) => void
    const ended = new Promise<[string, string]>((done) => (resolve = done))
    const link = threads.link('publisher', {
      program: { sandboxShared: pathToFileURL(path) },
      limits: { sandboxHeapMb: 16 },
      preopens: [],
      events: {
        batch: () => {},
        printed: () => {},
        ended: (reason: string, message: string) => resolve([reason, message]),
      },
    } as unknown as LinkOptions)
    return { link, ended }
  })
}

describe('a shared thread that dies', () => {
  it('of its full heap ends the app that ran by memory, and the others by no fault of theirs', async () => {
    const [first, guilty, last] = await tenants(3, thread(heapRunsFull, true))
    guilty!.link.send([])
    expect(await guilty!.ended).toEqual([
      'memory',
      expect.stringMatching(/3 apps share failed: .*, while it ran; whether it alone caused it is not known/),
    ])
    for (const { ended } of [first!, last!])
      expect(await ended).toEqual([
        'neighbour',
        expect.stringMatching(/3 apps share .* while another one ran/),
      ])
  })

  it('while nobody ran says that it was one of them, and asks each for it', async () => {
    const both = await tenants(2, thread(dies, false))
    both[0]!.link.send([])
    for (const { ended } of both)
      expect(await ended).toEqual([
        'host-fault',
        'the thread that 2 apps share ended with code 7; which one caused it is not known',
      ])
  })

  it('with one app in it was that app’s', async () => {
    const [only] = await tenants(1, thread(dies, false))
    only!.link.send([])
    expect(await only!.ended).toEqual(['host-fault', 'the thread it shares ended with code 7'])
  })
})
