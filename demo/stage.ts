/**
 * Where the demo plays: a temporary folder with one data directory per daemon, the daemons as separate
 * processes of the *built* program, and the CLI run as a person would run it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ControlClient } from '../host/api/index.ts'
import { Lines } from './lines.ts'

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Daemon {
  readonly name: string
  readonly group: string
  readonly data: string
  readonly pid: number
  readonly client: ControlClient
  /** The last lines it wrote, for the moment something fails. */
  readonly output: readonly string[]
  /** Resolves with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>
  kill(signal: NodeJS.Signals): void
}

export interface DaemonOptions {
  readonly name: string
  readonly group: string
  /** The node's TOML. */
  readonly config: string
  readonly join?: string
  readonly offline?: boolean
  /** More that is typed. */
  readonly args?: readonly string[]
  /** Variables beside those that every process of the stage has. */
  readonly env?: Readonly<Record<string, string>>
  /** What runs it in place of the Node.js that runs this. */
  readonly node?: string
  /** In place of the built program of the checkout. */
  readonly program?: string
}

const outputLines = 40

export class Stage {
  readonly folder: string
  readonly keys: string
  readonly lines = new Lines()
  readonly #program: string
  readonly #daemons = new Set<ChildProcess>()

  private constructor(folder: string, program: string) {
    this.folder = folder
    this.keys = join(folder, 'keys')
    this.#program = program
  }

  /** @param root the checkout, whose `dist/selvedge.mjs` is run. */
  static async open(root: string): Promise<Stage> {
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-demo-'))
    return new Stage(folder, join(root, 'dist/selvedge.mjs'))
  }

  /** Starts a daemon and waits until it says that it is ready. */
  async up(options: DaemonOptions, signal: AbortSignal): Promise<Daemon> {
    const data = join(this.folder, options.name)
    const configFile = join(this.folder, `${options.name}.toml`)
    await mkdir(data, { recursive: true })
    await writeFile(configFile, options.config)
    const args = [
      'up',
      '--config',
      configFile,
      '--data',
      data,
      '--name',
      options.name,
      '--group',
      options.group,
    ]
    const { listen, announce } = await this.lines.line(options.name)
    args.push('--listen', listen, '--announce', announce, '--no-mdns', '--json')
    if (options.join !== undefined) args.push('--join', options.join)
    if (options.offline === true) args.push('--offline')
    args.push(...(options.args ?? []))

    const { node = process.execPath, program = this.#program } = options
    const child = spawn(node, [program, ...args], {
      env: { ...this.#environment(), ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#daemons.add(child)
    const output: string[] = []
    const keep = (chunk: Buffer): void => {
      output.push(...chunk.toString().split('\n').filter(Boolean))
      output.splice(0, Math.max(0, output.length - outputLines))
    }
    child.stderr.on('data', keep)
    const exited = new Promise<number | null>((resolve) => {
      child.once('exit', (code) => {
        this.#daemons.delete(child)
        resolve(code)
      })
    })
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      child.stdout.once('data', () => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
      void exited.then((code) =>
        reject(new Error(`${options.name} ended with ${code}:\n${output.join('\n')}`)),
      )
    })
    child.stdout.on('data', keep)
    return {
      name: options.name,
      group: options.group,
      data,
      pid: child.pid as number,
      client: connect({ data }),
      output,
      exited,
      kill: (killSignal) => void child.kill(killSignal),
    }
  }

  /** Runs one CLI command to its end, as typed. */
  run(
    args: readonly string[],
    options: { keys?: string; signal?: AbortSignal } = {},
  ): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [this.#program, ...args], {
        cwd: this.folder,
        env: { ...this.#environment(), SELVEDGE_KEYS: options.keys ?? this.keys },
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      })
      let stdout = ''
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.once('error', reject)
      child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
    })
  }

  /** As `run`, for commands that must succeed. */
  async mustRun(args: readonly string[], signal?: AbortSignal): Promise<string> {
    const result = await this.run(args, signal === undefined ? {} : { signal })
    if (result.code !== 0) {
      throw new Error(`selvedge ${args[0]} exited with ${result.code}:\n${result.stderr.trim()}`)
    }
    return result.stdout
  }

  /** Ends what still runs and removes every trace. @param isKept leaves the folder to be looked at */
  async close(isKept = false): Promise<void> {
    for (const child of this.#daemons) child.kill('SIGTERM')
    const deadline = Date.now() + 5_000
    while (this.#daemons.size > 0 && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20))
    for (const child of this.#daemons) child.kill('SIGKILL')
    this.lines.close()
    if (!isKept) await rm(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  #environment(): NodeJS.ProcessEnv {
    return { PATH: process.env.PATH, HOME: this.folder, SELVEDGE_KEYS: this.keys, NO_COLOR: '1' }
  }
}
