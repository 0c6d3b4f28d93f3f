/** Real servers for tests: found on this machine, started on a free port in a folder of their own, and ended. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../../demo/ports.ts'

export { freePort }

/** Debian keeps daemons where a person's PATH does not look. */
const path = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`

export function hasProgram(program: string): boolean {
  return spawnSync(program, ['--version'], { env: { ...process.env, PATH: path } }).error === undefined
}

export interface ServerRecipe {
  readonly program: string
  /** @param folder of its own, which stays over a stop and a start */
  args(port: number, folder: string): readonly string[] | Promise<readonly string[]>
}

/** One server that can be stopped, frozen and started again at the same port with the same folder. */
export class ServerProcess {
  readonly #recipe: ServerRecipe
  readonly port: number
  readonly folder: string
  #child: ChildProcess | null = null

  private constructor(recipe: ServerRecipe, port: number, folder: string) {
    this.#recipe = recipe
    this.port = port
    this.folder = folder
  }

  static async make(recipe: ServerRecipe): Promise<ServerProcess> {
    const folder = await mkdtemp(join(tmpdir(), `selvedge-${recipe.program}-`))
    return new ServerProcess(recipe, await freePort(), folder)
  }

  static async start(recipe: ServerRecipe): Promise<ServerProcess> {
    const server = await ServerProcess.make(recipe)
    await server.start()
    return server
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    const args = await this.#recipe.args(this.port, this.folder)
    const child = spawn(this.#recipe.program, [...args], {
      cwd: this.folder,
      env: { ...process.env, PATH: path },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    child.stderr?.on('data', (text: Buffer) => (said = (said + text.toString()).slice(-2_000)))
    this.#child = child
    const deadline = performance.now() + 60_000
    while (!(await answers(this.port))) {
      if (child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`${this.#recipe.program} did not start: ${said}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** @param signal SIGKILL for a crash, SIGSTOP and SIGCONT for one that hangs for a while */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child
    this.#child = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGCONT')
    child.kill(signal)
    await ended
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child?.kill('SIGCONT')
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL')
    await rm(this.folder, { recursive: true, force: true })
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
