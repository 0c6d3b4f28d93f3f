import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** `ROUNDS=1000 npx vitest run test/host/queue/crash.test.ts` is the long form. */
const rounds = Number(process.env['ROUNDS'] ?? 4)
let folder = ''
let writer = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-queue-crash-'))
  writer = join(folder, 'writer.mjs')
  await build({
    entryPoints: [resolve('test/host/queue/crash-writer.ts')],
    outfile: writer,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    logLevel: 'error',
    banner: {
      js: "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url)",
    },
    external: ['node-sqlite3-wasm'],
  })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** One life: everything it said until it was killed. */
function live(data: string, from: number, killAfterLines: number, killAfterMs: number): Promise<string[]> {
  const program = pathToFileURL(resolve('dist/queue.mjs')).href
  const child = spawn(process.execPath, [writer, data, String(from), program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const before = said
    said += String(chunk)
    const ready = said.split('\n').length > killAfterLines
    if (ready && before.split('\n').length <= killAfterLines) {
      setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    }
  })
  return new Promise((resolveLife) => child.on('close', () => resolveLife(said.split('\n').slice(0, -1))))
}

describe('a queue on the disk', () => {
  it(`loses nothing that it acknowledged when its process is killed at any instant (${rounds} times)`, async () => {
    const data = join(folder, 'data')
    const put = new Set<number>()
    const done = new Set<number>()
    const doing = new Set<number>()
    let next = 0
    let slowestOpenMs = 0
    for (let round = 0; round < rounds; round += 1) {
      const lines = await live(data, next, 3 + Math.floor(Math.random() * 30), Math.random() * 12)
      for (const line of lines) {
        const [word, ...rest] = line.split(' ')
        const numbers = rest.filter((text) => text !== '').map(Number)
        if (word === 'open') slowestOpenMs = Math.max(slowestOpenMs, numbers[0] ?? 0)
        if (word === 'has') {
          const has = new Set(numbers)
          expect(has.size, 'none twice').toBe(numbers.length)
          for (const name of put) if (!done.has(name) && !doing.has(name)) expect(has).toContain(name)
          for (const name of done) expect(has).not.toContain(name)
          // What it was about to finish may be finished or not.
          for (const name of doing) if (!has.has(name)) done.add(name)
          doing.clear()
          for (const name of has) put.add(name)
          next = Math.max(next, ...put, ...has) + 1
        }
        if (word === 'put') for (const name of numbers) put.add(name)
        if (word === 'doing') for (const name of numbers) doing.add(name)
        if (word === 'done') {
          for (const name of numbers) {
            done.add(name)
            doing.delete(name)
          }
        }
      }
      // Names of a put that was never acknowledged are not used again.
      next = Math.max(next, ...put, 0) + 10
    }
    expect(done.size).toBeGreaterThan(rounds)
    // Starting is measured and told, not asserted to a millisecond: the machine may be busy.
    console.info(`${put.size} items put, ${done.size} done, slowest open ${slowestOpenMs} ms`)
    expect(slowestOpenMs).toBeLessThan(20_000)
  })
})
