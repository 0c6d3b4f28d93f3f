/** A plain transfer between two hosts, without any of our code on the way. */
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import type { LabHost } from './host.ts'

const port = 8099

const serve = `
const [address, port, size] = process.argv.slice(1)
require('node:net').createServer((socket) => {
  socket.on('error', () => {})
  socket.end(Buffer.alloc(Number(size), 1))
}).listen(Number(port), address, () => console.log('ready'))`

const take = `
const [address, port] = process.argv.slice(1)
const startedAt = performance.now()
let size = 0
require('node:net').connect(Number(port), address)
  .on('data', (chunk) => { size += chunk.length })
  .on('end', () => console.log(JSON.stringify({ size, ms: performance.now() - startedAt })))`

/** Sends `sizeBytes` over one TCP connection. @returns how long it took `to`, in ms */
export async function downloadOnce(from: LabHost, to: LabHost, sizeBytes: number): Promise<number> {
  const server = from.exec(process.execPath, ['-e', serve, from.address, String(port), String(sizeBytes)])
  await firstLine(server)
  const answer = JSON.parse(
    await firstLine(to.exec(process.execPath, ['-e', take, from.address, String(port)])),
  ) as { size: number; ms: number }
  server.kill('SIGKILL')
  if (answer.size !== sizeBytes) throw new Error(`${answer.size} of ${sizeBytes} bytes came`)
  return answer.ms
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('it has no output')
  const [chunk] = (await once(stdout, 'data', { signal: AbortSignal.timeout(60_000) })) as [Buffer]
  return chunk.toString()
}
