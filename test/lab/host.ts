/** One host of the lab: a namespace with an address, a data folder, and the built program in processes of its own. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type ControlClient } from '../../host/api/index.ts'
import { dropAtRandom, setRules } from './firewall.ts'
import { plugIn, trafficOf, unplug, type Traffic, type Wire } from './wiring.ts'

export interface NodeOptions {
  readonly group?: string
  /** An invite; absent founds a mesh, or goes on in the one of its data folder. */
  readonly join?: string
  /** The node's TOML. */
  readonly config?: string
  /** The port at which apps answer HTTP, on the host's address; absent is none. */
  readonly http?: number
  /** Further options of `up`. */
  readonly args?: readonly string[]
}

/** A line of the daemon's log. */
export interface LogEvent {
  readonly event: string
  /** Wall clock in ms, which all hosts of a lab share. */
  readonly at: number
  readonly fields: Readonly<Record<string, unknown>>
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface HostParts {
  readonly name: string
  readonly wire: Wire
  readonly bridge: string
  /** Of the whole lab. */
  readonly folder: string
  /** The built program. */
  readonly program: string
}

const readyMs = 60_000
export const meshPort = 4001
/** Of a daemon's log: the newest. */
const keptEvents = 10_000

export class LabHost {
  readonly name: string
  readonly address: string
  readonly data: string
  readonly client: ControlClient
  readonly #parts: HostParts
  readonly #children = new Set<ChildProcess>()
  readonly #events: LogEvent[] = []
  readonly #listeners = new Set<(event: LogEvent) => void>()
  #daemon: ChildProcess | null = null
  #complaints = ''

  constructor(parts: HostParts) {
    this.#parts = parts
    this.name = parts.name
    this.address = parts.wire.address
    this.data = join(parts.folder, parts.name)
    this.client = connect({ data: this.data })
  }

  /** Whole frames on its line since the lab was made. */
  get traffic(): Traffic {
    return trafficOf(this.#parts.bridge, this.#parts.wire)
  }

  /** What its daemon logged, oldest first, also of those before it was killed. */
  get events(): readonly LogEvent[] {
    return this.#events
  }

  /** Of the daemon. @throws when none runs */
  get pid(): number {
    if (this.#daemon?.pid === undefined) throw new Error(`no node runs on ${this.name}`)
    return this.#daemon.pid
  }

  /** Starts its node; resolves when that is ready. */
  async up({ group = 'lab', join: token, config = '', http, args = [] }: NodeOptions = {}): Promise<void> {
    if (this.#daemon !== null) throw new Error(`a node runs on ${this.name} already`)
    const configFile = `${this.data}.toml`
    await mkdir(this.data, { recursive: true })
    await writeFile(configFile, config)
    const where = ['--config', configFile, '--data', this.data, '--name', this.name, '--group', group]
    const line = ['--listen', `/ip4/${this.address}/tcp/${meshPort}`, '--no-mdns']
    const child = this.exec(process.execPath, [
      this.#parts.program,
      'up',
      ...where,
      ...line,
      '--json',
      '--log-json',
      ...(token === undefined ? [] : ['--join', token]),
      ...(http === undefined ? [] : ['--http', `${this.address}:${http}`]),
      ...args,
    ])
    this.#daemon = child
    const exited = new Promise<number | null>((resolve) => {
      child.once('exit', (code) => {
        if (this.#daemon === child) this.#daemon = null
        resolve(code)
      })
    })
    this.#readLog(child)
    await new Promise<void>((resolve, reject) => {
      const tooLate = setTimeout(() => reject(this.#failure(`is not ready after ${readyMs} ms`)), readyMs)
      child.stdout?.once('data', () => resolve())
      void exited.then((code) => reject(this.#failure(`ended with ${code}`)))
      void exited.finally(() => clearTimeout(tooLate))
      child.stdout?.once('data', () => clearTimeout(tooLate))
    })
    child.stdout?.resume()
  }

  /** Runs one command of the CLI here to its end. */
  run(args: readonly string[]): Promise<Finished> {
    const child = this.exec(process.execPath, [this.#parts.program, ...args, '--data', this.data])
    let stdout = ''
    let stderr = ''
    child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve({ code, stdout, stderr }))
    })
  }

  /** As `run`, for what must succeed. @returns what it printed */
  async mustRun(args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(args)
    if (code === 0) return stdout
    throw new Error(`on ${this.name}: selvedge ${args[0]} ended with ${code}:\n${stderr.trim()}`)
  }

  /** Starts any program on this host; it ends with the lab. */
  exec(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
    const { folder, wire } = this.#parts
    const child = spawn('ip', ['netns', 'exec', wire.namespace, program, ...args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        SELVEDGE_KEYS: join(folder, 'keys'),
        NO_COLOR: '1',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return child
  }

  /** Waits for a line of the daemon's log, also one that was written before. @throws after `withinMs` */
  until(what: string, matches: (event: LogEvent) => boolean, withinMs: number): Promise<LogEvent> {
    const known = this.#events.find(matches)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#listeners.delete(listener)
      }
      const listener = (event: LogEvent): void => {
        if (!matches(event)) return
        settle()
        resolve(event)
      }
      const timer = setTimeout(() => {
        settle()
        reject(new Error(`waited ${withinMs / 1_000} s in vain on ${this.name}: ${what}`))
      }, withinMs)
      this.#listeners.add(listener)
    })
  }

  /** Breaks its line, so that nobody is told. */
  cut(): void {
    unplug(this.#parts.bridge, this.#parts.wire)
  }

  heal(): void {
    plugIn(this.#parts.bridge, this.#parts.wire)
  }

  /** Nothing that `others` send arrives here any more; what is sent to them does. Replaces what was so before. */
  deafTo(others: readonly LabHost[]): void {
    setRules(this.#parts.wire.namespace, { input: others.map(({ address }) => `ip saddr ${address} drop`) })
  }

  /** @param share of the packets to this host that is lost, from 0 to 1; 0 loses none */
  lose(share: number): void {
    setRules(this.#parts.wire.namespace, share === 0 ? {} : { input: [dropAtRandom(share)] })
  }

  /** Its node stands still most of the time, in turns. @returns what ends it */
  slowDown({ standMs, goMs }: { readonly standMs: number; readonly goMs: number }): () => void {
    const child = this.#daemon
    let isStanding = true
    let timer: NodeJS.Timeout
    const turn = (): void => {
      child?.kill(isStanding ? 'SIGSTOP' : 'SIGCONT')
      timer = setTimeout(turn, isStanding ? standMs : goMs)
      isStanding = !isStanding
    }
    turn()
    return () => {
      clearTimeout(timer)
      child?.kill('SIGCONT')
    }
  }

  /** Ends its node, by default as a power cut would. @returns when it is gone */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#daemon
    if (child === null) return
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await exited
  }

  /** Stops its node in the middle of whatever it does; its kernel goes on acknowledging. */
  freeze(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Ends all that runs here; the namespace is the lab's to remove. */
  close(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }

  #readLog(child: ChildProcess): void {
    let rest = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) this.#take(line)
    })
  }

  #take(line: string): void {
    const entry = parsedLine(line)
    if (entry === null) {
      this.#complaints = `${this.#complaints}${line}\n`.slice(-4_000)
      return
    }
    this.#events.push(entry)
    this.#events.splice(0, Math.max(0, this.#events.length - keptEvents))
    for (const listener of this.#listeners) listener(entry)
  }

  #failure(what: string): Error {
    const last = this.#events.slice(-5).map(({ event, fields }) => `${event} ${JSON.stringify(fields)}`)
    return new Error(`the node on ${this.name} ${what}\n${this.#complaints}${last.join('\n')}`)
  }
}

function parsedLine(line: string): LogEvent | null {
  try {
    const { time, event, ...fields } = JSON.parse(line) as Record<string, unknown>
    return typeof event === 'string' ? { event, at: Date.parse(String(time)), fields } : null
  } catch {
    return null
  }
}
