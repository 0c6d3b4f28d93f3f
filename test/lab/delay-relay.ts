/**
 * Latency between sites, without netem: a relay in the core namespace that takes the TCP connections which pass it,
 * and hands on what comes a fixed time later, in both directions. Only the mesh's port is delayed. As it accepts before
 * it has reached the other end, a refused connection shows through it as one that is reset at once.
 */
import { once } from 'node:events'
import { spawn, type ChildProcess } from 'node:child_process'

export interface DelayedHost {
  /** Where the relay listens for what is meant for the host. */
  readonly relayPort: number
  readonly address: string
  readonly port: number
}

const program = `
const [delay, hosts] = process.argv.slice(1)
const delayMs = Number(delay)
// What may be on the way at once: the line is long, not narrow.
const windowBytes = 4 << 20
const net = require('node:net')
const carry = (from, to) => {
  let bytes = 0
  from.on('data', (chunk) => {
    bytes += chunk.length
    if (bytes > windowBytes) from.pause()
    setTimeout(() => to.write(chunk, () => { bytes -= chunk.length; from.resume() }), delayMs)
  })
  from.on('end', () => setTimeout(() => to.end(), delayMs))
  from.on('error', () => {})
  from.on('close', (isBroken) => isBroken && setTimeout(() => to.resetAndDestroy(), delayMs))
}
const list = JSON.parse(hosts)
let open = 0
for (const { relayPort, address, port } of list) {
  net.createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    const far = net.connect({ host: address, port, allowHalfOpen: true, noDelay: true })
    carry(near, far)
    carry(far, near)
  }).listen(relayPort, () => { if (++open === list.length) console.log('ready') })
}`

const readyMs = 30_000

/** @param delayMs one way. The process ends with its namespace. */
export async function startDelayRelay(
  namespace: string,
  delayMs: number,
  hosts: readonly DelayedHost[],
): Promise<ChildProcess> {
  const args = ['netns', 'exec', namespace, process.execPath, '-e', program]
  const relay = spawn('ip', [...args, String(delayMs), JSON.stringify(hosts)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(relay.stdout, 'data', { signal: AbortSignal.timeout(readyMs) })
  return relay
}
