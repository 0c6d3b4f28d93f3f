/**
 * The lines between the nodes: a relay in front of each, which all others dial. A site is cut off by carrying nothing
 * between it and the rest any more, without telling anybody: connections stay open and silent, as when a line breaks
 * somewhere far away. Who has dialled is told by the kernel's table of sockets, so that a cut takes Linux, but no root.
 */
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { freePort } from './ports.ts'

const host = '127.0.0.1'

interface Carried {
  /** The node that was dialled. */
  readonly to: string
  /** Of the one that dialled. */
  readonly callerPort: number
  readonly near: Socket
  readonly far: Socket
}

export interface Line {
  readonly listen: string
  readonly announce: string
}

export class Lines {
  readonly #servers: Server[] = []
  readonly #lines = new Map<string, Line>()
  readonly #carried = new Set<Carried>()
  readonly #silent = new Set<Carried>()
  #site: readonly string[] = []
  #pidOf: (name: string) => number = () => Number.NaN

  /** @returns why no site can be cut off here; null where one can */
  static get obstacle(): string | null {
    return process.platform === 'linux' ? null : 'telling whose connection is whose takes Linux'
  }

  /** Where a node listens, and where others reach it; the same each time it is asked for. */
  async line(name: string): Promise<Line> {
    const known = this.#lines.get(name)
    if (known !== undefined) return known
    const port = await freePort()
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) =>
      this.#carry(name, port, near),
    )
    server.listen(0, host)
    await once(server, 'listening')
    this.#servers.push(server)
    const line = { listen: multiaddr(port), announce: multiaddr((server.address() as AddressInfo).port) }
    this.#lines.set(name, line)
    return line
  }

  /** Nothing passes between these nodes and all others any more. @param pidOf the process of each node */
  cutOff(names: readonly string[], pidOf: (name: string) => number): void {
    this.#site = names
    this.#pidOf = pidOf
    for (const carried of this.#carried) this.#silence(carried)
  }

  heal(): void {
    this.#site = []
    for (const { near, far } of this.#silent) {
      if (near.destroyed || far.destroyed) {
        near.destroy()
        far.destroy()
        continue
      }
      near.pipe(far)
      far.pipe(near)
    }
    this.#silent.clear()
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const { near, far } of [...this.#carried, ...this.#silent]) {
      near.destroy()
      far.destroy()
    }
  }

  #carry(to: string, port: number, near: Socket): void {
    const far = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const carried = { to, callerPort: near.remotePort ?? 0, near, far }
    this.#carried.add(carried)
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#carried.delete(carried)
        // Whoever is cut off is told when the line is back; else an end here is one there.
        if (!this.#silent.has(carried)) other.destroy()
      })
      socket.pipe(other)
    }
    this.#silence(carried)
  }

  #silence(carried: Carried): void {
    if (this.#site.length === 0 || !this.#crosses(carried)) return
    const { near, far } = carried
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.unpipe(other)
      socket.pause()
    }
    this.#silent.add(carried)
  }

  #crosses({ to, callerPort }: Carried): boolean {
    const caller = [...this.#lines.keys()].find((name) => ownsPort(this.#pidOf(name), callerPort))
    if (caller === undefined) return false
    return this.#site.includes(to) !== this.#site.includes(caller)
  }
}

/** Whether a process has a connection from this port of the loopback. */
function ownsPort(pid: number, port: number): boolean {
  const links = linksFrom(port)
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => links.includes(linkOf(`/proc/${pid}/fd/${fd}`) ?? ''))
  } catch {
    // A process that has ended has none.
    return false
  }
}

/** The kernel hands out its table in pieces: a row can be left out while others come and go. */
const looks = 5

/** What a process that has a connection from this port of the loopback has among its open files. */
function linksFrom(port: number): string[] {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  for (let look = 0; look < looks; look += 1) {
    const rows = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter(([, address]) => address === local)
    // One that has ended keeps its row for a minute, without an inode, and another may have its port by then.
    const links = rows.flatMap(({ 9: inode = '0' }) => (inode === '0' ? [] : [`socket:[${inode}]`]))
    if (links.length > 0) return links
  }
  return []
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path)
  } catch {
    return null
  }
}

function multiaddr(port: number): string {
  return `/ip4/${host}/tcp/${port}`
}
