/** A node on this machine, as on the desk of whoever looks after the board: it founds the mesh, invites and publishes. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../../demo/ports.ts'
import { connect, type ControlClient } from '../../host/api/index.ts'
import { mustFinish } from '../foreign/index.ts'

export interface DeskOptions {
  /** The built program. */
  readonly program: string
  readonly folder: string
  /** What the board calls this machine. */
  readonly address: string
}

const readyMs = 60_000
const commandMs = 300_000

export class Desk {
  readonly client: ControlClient
  readonly #options: DeskOptions
  readonly #data: string
  #daemon: ChildProcess | null = null

  constructor(options: DeskOptions) {
    this.#options = options
    this.#data = join(options.folder, 'desk')
    this.client = connect({ data: this.#data })
  }

  /** Starts the node; resolves when it is ready. */
  async up(): Promise<void> {
    const { program, address } = this.#options
    await mkdir(this.#data, { recursive: true })
    const port = await freePort()
    const where = ['--listen', `/ip4/127.0.0.1/tcp/${port}`, '--announce', `/ip4/${address}/tcp/${port}`]
    const args = [program, 'up', '--data', this.#data, '--name', 'desk', '--group', 'desk', ...where]
    const child = spawn(process.execPath, [...args, '--no-mdns', '--json'], {
      env: this.#environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#daemon = child
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => (complaint = (complaint + chunk.toString()).slice(-2_000)))
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`the desk is not ready:\n${complaint}`)), readyMs)
      child.stdout.once('data', () => {
        clearTimeout(late)
        resolve()
      })
      child.once('exit', (code) => reject(new Error(`the desk ended with ${code}:\n${complaint}`)))
    })
    child.stdout.resume()
  }

  /** One command of the CLI. @returns what it printed @throws what it complained of */
  run(args: readonly string[]): Promise<string> {
    const whole = [this.#options.program, ...args, '--data', this.#data]
    return mustFinish(process.execPath, whole, commandMs, { env: this.#environment() })
  }

  async close(): Promise<void> {
    const child = this.#daemon
    this.#daemon = null
    if (child === null || child.exitCode !== null) return
    const gone = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const tooLong = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await gone
    clearTimeout(tooLong)
  }

  #environment(): NodeJS.ProcessEnv {
    const { folder } = this.#options
    return {
      PATH: process.env['PATH'],
      HOME: folder,
      SELVEDGE_KEYS: join(folder, 'keys'),
      NO_COLOR: '1',
    }
  }
}
