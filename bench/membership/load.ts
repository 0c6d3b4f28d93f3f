/** Requests over HTTP from a host of the lab, by a plain Node program of its own. */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { LabHost } from '../../test/lab/index.ts'

export interface Load {
  readonly url: string
  readonly requests: number
  /** Begun so many per second, whatever becomes of those before; absent: one after the other. */
  readonly perSecond?: number
}

export interface Answers {
  /** From the beginning of each request to the end of its answer, in the order of their beginnings, in ms. */
  readonly times: readonly number[]
  /** When each began, wall clock in ms. */
  readonly begun: readonly number[]
  /** What became of those that were not answered with 200. */
  readonly failures: readonly string[]
}

const program = `
const http = require('node:http')
const { url, requests, perSecond } = JSON.parse(process.argv[1])
const agent = new http.Agent({ keepAlive: true })
const times = []
const begun = []
const failures = []
const ask = (index) => new Promise((resolve) => {
  const startedAt = performance.now()
  begun[index] = Date.now()
  const end = (failure) => {
    if (times[index] !== undefined) return
    times[index] = performance.now() - startedAt
    if (failure !== null) failures.push(failure)
    resolve()
  }
  const request = http.get(url, { agent, timeout: 10_000 }, (response) => {
    response.resume()
    response.on('end', () => end(response.statusCode === 200 ? null : 'status ' + response.statusCode))
    response.on('error', (error) => end(error.message))
  })
  request.on('timeout', () => request.destroy(new Error('no answer in 10 s')))
  request.on('error', (error) => end(error.message))
})
const main = async () => {
  if (perSecond === undefined) {
    for (let index = 0; index < requests; index++) await ask(index)
  } else {
    const startedAt = performance.now()
    const all = []
    for (let index = 0; index < requests; index++) {
      const waitMs = startedAt + (index * 1000) / perSecond - performance.now()
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
      all.push(ask(index))
    }
    await Promise.all(all)
  }
  agent.destroy()
  console.log(JSON.stringify({ times, begun, failures }))
}
main()`

export async function load(from: LabHost, options: Load): Promise<Answers> {
  const child = from.exec(process.execPath, ['-e', program, JSON.stringify(options)])
  let text = ''
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr?.resume()
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`the load ended with ${code}`)
  return JSON.parse(text) as Answers
}

/** The component `hello-http` on this host by `selvedge serve`: the same sandbox and HTTP server without a mesh. */
export async function servedAlone(root: string, host: LabHost, port: number): Promise<ChildProcess> {
  const component = join(root, 'components/hello-http/build/hello-http.wasm')
  const address = `${host.address}:${port}`
  const server = host.exec(process.execPath, [
    join(root, 'dist/selvedge.mjs'),
    'serve',
    component,
    '--addr',
    address,
  ])
  server.stderr?.resume()
  await new Promise((resolve) => server.stdout?.once('data', resolve))
  return server
}
