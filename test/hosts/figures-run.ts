/** What a host's Node.js and an app in it cost, as programs of it say. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { mustFinish } from '../foreign/index.ts'
import type { FiguresJob, HostFigures } from './suite/protocol.ts'

const emptyRuns = 3
const emptyMs = 60_000
const figuresMs = 300_000

/** Median of `node -e 0`, ms. */
export async function emptyProgramMs(node: string): Promise<number> {
  const times: number[] = []
  while (times.length < emptyRuns) {
    const startedAt = performance.now()
    await mustFinish(node, ['-e', '0'], emptyMs)
    times.push(performance.now() - startedAt)
  }
  return times.sort((a, b) => a - b)[Math.floor(emptyRuns / 2)] ?? Number.NaN
}

/** @param program of the suite's bundle. @throws what it said where it failed */
export function figuresOf(root: string, node: string, program: string): Promise<HostFigures> {
  const component = join(root, 'components/light-alarm/build/light-alarm.wasm')
  const job: FiguresJob = { kind: 'figures', component }
  return new Promise((resolve, reject) => {
    const child = spawn(node, [program, JSON.stringify(job)], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
    let answer = ''
    let said = ''
    ;(child.stdio[3] as Readable).on('data', (chunk: Buffer) => (answer += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (said = `${said}${chunk.toString()}`.slice(-1_500)))
    const tooLong = setTimeout(() => child.kill('SIGKILL'), figuresMs)
    child.once('error', reject)
    child.once('close', (code) => {
      clearTimeout(tooLong)
      if (code === 0 && answer !== '') resolve(JSON.parse(answer) as HostFigures)
      else reject(new Error(`what an app costs could not be measured: it ended with ${code}: ${said.trim()}`))
    })
  })
}
