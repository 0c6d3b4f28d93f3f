/** serf with its lan profile, an agent on each host of a lab; what it says on its output is all that is read. */
import { spawnSync, type ChildProcess } from 'node:child_process'
import type { LabHost } from '../../test/lab/index.ts'

const bindPort = 7946
const memberEvent = /serf: EventMember(Join|Failed|Leave|Update|Reap): (\S+)/

/** @returns its version; null where it is not installed */
export function serfVersion(): string | null {
  const { status, stdout } = spawnSync('serf', ['version'], { encoding: 'utf8', timeout: 10_000 })
  return status === 0 ? (stdout.split('\n')[0] ?? '').trim() : null
}

export class SerfAgent {
  readonly host: LabHost
  /** Whom it holds for alive, by name. */
  readonly alive = new Set<string>()
  /** When it last called somebody failed, by name; wall clock in ms. */
  readonly failedAt = new Map<string, number>()
  readonly #join: LabHost
  #child: ChildProcess | null = null

  /** @param join the host whose agent it asks for the others */
  constructor(host: LabHost, join: LabHost) {
    this.host = host
    this.#join = join
  }

  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`no serf runs on ${this.host.name}`)
    return this.#child.pid
  }

  start(): void {
    const { host } = this
    this.alive.clear()
    const where = ['-node', host.name, '-bind', `${host.address}:${bindPort}`, '-profile', 'lan']
    const others = host === this.#join ? [] : ['-retry-join', this.#join.address, '-retry-interval', '1s']
    const child = host.exec('serf', ['agent', ...where, ...others])
    this.#child = child
    child.stderr?.resume()
    let rest = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#take(line)
    })
  }

  /** Makes it look for the others now; after a cut it would do so by itself, when it likes. */
  rejoin(): void {
    const { host } = this
    const target = host === this.#join ? [] : [this.#join.address]
    host.exec('serf', ['join', ...target]).stderr?.resume()
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  #take(line: string): void {
    const [, event, name = ''] = memberEvent.exec(line) ?? []
    if (event === undefined) return
    if (event === 'Join' || event === 'Update') {
      this.alive.add(name)
      return
    }
    this.alive.delete(name)
    if (event === 'Failed') this.failedAt.set(name, Date.now())
  }
}
