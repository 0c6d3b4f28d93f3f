/**
 * Ports for programs that are told theirs, and may be started again on it. They are below those from which systems take
 * the near end of each connection (from 32768 on Linux, from 49152 elsewhere): one of those that was free a moment ago may be
 * anybody's the next, and a node that was killed would not get it back.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'

const first = 10_000
const count = 22_000
/** So many are taken at once nowhere that we run. */
const attempts = 1_000

const given = new Set<number>()

/** @returns a port of 127.0.0.1 that nobody listens on; no two calls in one process get the same */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = first + Math.floor(Math.random() * count)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
  throw new Error(`${attempts} ports from ${first} on are taken`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
