/**
 * `load-generator PORT CONNECTIONS SECONDS`: keeps one request under way on each connection, over bare sockets, and
 * prints what it saw as JSON. For machines without wrk; it takes a few times as much of a processor.
 */
import { connect } from 'node:net'

const [port = 0, connections = 1, seconds = 1] = process.argv.slice(2).map(Number)
const request = Buffer.from(`GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
const latenciesMs: number[] = []
let failures = 0
const startedAt = performance.now()
const endsAt = startedAt + seconds * 1_000

function open(): void {
  const socket = connect(port, '127.0.0.1')
  socket.setNoDelay(true)
  let sentAt = 0
  let received = ''
  const send = (): void => {
    sentAt = performance.now()
    received = ''
    socket.write(request)
  }
  socket.on('connect', send)
  socket.on('error', () => (failures += 1))
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    if (!isWhole(received)) return
    latenciesMs.push(performance.now() - sentAt)
    if (!received.startsWith('HTTP/1.1 200')) failures += 1
    if (performance.now() < endsAt) send()
    else socket.destroy()
  })
}

function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head + 2))?.[1]
  return length === undefined ? text.endsWith('0\r\n\r\n') : text.length >= head + 4 + Number(length)
}

for (let left = connections; left > 0; left -= 1) open()
process.on('beforeExit', () => {
  const tookMs = performance.now() - startedAt
  latenciesMs.sort((a, b) => a - b)
  const at = (share: number): number => latenciesMs[Math.floor(latenciesMs.length * share)] ?? Number.NaN
  const requests = latenciesMs.length
  const perSecond = (requests / tookMs) * 1_000
  console.log(JSON.stringify({ perSecond, p50Ms: at(0.5), p99Ms: at(0.99), failures, requests }))
  process.exit(0)
})
