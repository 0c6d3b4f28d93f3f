/** The node's end of a sandbox in a process, with programs in the sandbox's place that say what they please. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultLimits } from '../../../../host/engine/limits.ts'
import { findProgram } from '../../../../host/engine/program.ts'
import { spawnProcess } from '../../../../host/engine/sandbox/process-link.ts'
import { encodeFrame, packToHost, type ToHost } from '../../../../host/guest/index.ts'

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'selvedge-link-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A program that says this and then listens. */
async function saying(batch: readonly ToHost[]): Promise<URL> {
  const file = join(folder, 'sandbox.mjs')
  const bytes = Buffer.from(encodeFrame(packToHost(batch))).toString('base64')
  await writeFile(
    file,
    `import { readSync, writeSync } from 'node:fs'
const bytes = Buffer.from('${bytes}', 'base64')
for (let at = 0; at < bytes.length;) at += writeSync(4, bytes, at)
while (readSync(3, Buffer.alloc(1024)) > 0) {}`,
  )
  return pathToFileURL(file)
}

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

test('a guest that is woken early a thousand times leaves one timer, not a thousand', async () => {
  const wakes = Array.from({ length: 1_000 }, (): ToHost => ({ t: 'wake', afterMs: 3_600_000 }))
  const program = { ...(await findProgram()), sandboxProcess: await saying([...wakes, { t: 'loaded' }]) }
  const before = timers()
  let told!: () => void
  const heard = new Promise<void>((resolve) => (told = resolve))
  const events = { batch: () => told(), ended: () => {}, printed: () => {} }
  const link = spawnProcess({ program, limits: defaultLimits, preopens: [], events })
  await heard
  expect(timers() - before).toBeLessThan(10)
  await link.terminate()
})

test('a message that would take minutes to look at ends its sandbox, and nothing else', async () => {
  const args = Object.assign([], { length: 4_000_000_000 }) as unknown[]
  const program = {
    ...(await findProgram()),
    sandboxProcess: await saying([{ t: 'post', id: 'x', name: 'y', args }]),
  }
  let told!: (end: string) => void
  const over = new Promise<string>((resolve) => (told = resolve))
  const ended = (reason: string, message: string): void => told(`${reason}: ${message}`)
  const events = { batch: () => told('taken'), ended, printed: () => {} }
  const link = spawnProcess({ program, limits: defaultLimits, preopens: [], events })
  expect(await over).toBe(
    'host-fault: its process sent what no sandbox sends: a frame of more than 4194304 values',
  )
  await link.terminate()
})
