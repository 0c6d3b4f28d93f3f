/** A daemon under measurement, and the bare Node process beside it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, type ControlClient } from '../../host/api/index.ts'

const app = 'light-alarm'
const config = `
[sensors.light]
driver = "simulated"
shape = "daylight"
unit = "lx"
max = 1000
period = "6s"

[pins.led]
driver = "simulated"
`

/** Where the measured daemons live, and how they are started. */
export class Bench {
  readonly #root: string
  readonly #folder: string
  readonly #program: string
  readonly #children = new Set<ChildProcess>()

  constructor(root: string, folder: string) {
    this.#root = root
    this.#folder = folder
    this.#program = join(root, 'dist/selvedge.mjs')
  }

  /** Starts once and stops, so that the mesh and its keys exist. */
  async prepareData(data: string): Promise<void> {
    await (await this.up(data)).stop()
  }

  /** Starts a daemon on the data directory `data`; `readyMs` counts from spawn to its ready line. */
  async up(data: string): Promise<MeasuredNode> {
    const folder = join(this.#folder, data)
    await mkdir(folder, { recursive: true })
    const configFile = join(this.#folder, `${data}.toml`)
    await writeFile(configFile, config)
    const startedAt = performance.now()
    const child = spawn(
      process.execPath,
      [
        this.#program,
        'up',
        '--config',
        configFile,
        '--data',
        folder,
        '--name',
        data,
        '--group',
        'bench',
        '--listen',
        '/ip4/127.0.0.1/tcp/0',
        '--no-mdns',
        '--json',
      ],
      { env: this.#environment(), stdio: ['ignore', 'pipe', 'ignore'] },
    )
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}`)))
    })
    child.stdout.resume()
    return new MeasuredNode(child, connect({ data: folder }), performance.now() - startedAt, folder)
  }

  /** Publishes light-alarm as `version`; resolves when the node runs it. */
  async publish(node: MeasuredNode, version: string): Promise<void> {
    const folder = join(this.#folder, `${app}-${version}`)
    await cp(join(this.#root, 'components', app), folder, { recursive: true })
    const manifest = join(folder, 'selvedge.toml')
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace('1.0.0', version))
    const component = join(folder, 'build', `${app}.wasm`)
    await writeFile(component, withVersion(await readFile(component), version))
    const child = spawn(
      process.execPath,
      [this.#program, 'publish', folder, '--data', node.data, '--wait', '--no-build'],
      {
        env: this.#environment(),
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    if (code !== 0) throw new Error(`publish of ${version} exited with ${code}:\n${said}`)
  }

  /** From spawn to exit of `selvedge status`, in ms. */
  async statusMs(node: MeasuredNode): Promise<number> {
    const startedAt = performance.now()
    const child = spawn(process.execPath, [this.#program, 'status', '--data', node.data], {
      env: this.#environment(),
      stdio: 'ignore',
    })
    const code = await new Promise<number | null>((resolve) => child.once('exit', resolve))
    if (code !== 0) throw new Error(`status exited with ${code}`)
    return performance.now() - startedAt
  }

  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
  }

  #environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.#folder,
      SELVEDGE_KEYS: join(this.#folder, 'keys'),
      NO_COLOR: '1',
    }
  }
}

/** Other bytes that do the same (a custom section at the end), so that no cache knows the release. */
function withVersion(component: Uint8Array, version: string): Uint8Array {
  const name = Buffer.from('version')
  const payload = Buffer.concat([Buffer.from([name.length]), name, Buffer.from(version)])
  return Buffer.concat([component, Buffer.from([0, payload.length]), payload])
}

export class MeasuredNode {
  readonly readyMs: number
  readonly data: string
  readonly #child: ChildProcess
  readonly #client: ControlClient

  constructor(child: ChildProcess, client: ControlClient, readyMs: number, data: string) {
    this.#child = child
    this.#client = client
    this.readyMs = readyMs
    this.data = data
  }

  get pid(): number {
    return this.#child.pid as number
  }

  async untilRunning(): Promise<void> {
    const deadline = performance.now() + 30_000
    while (performance.now() < deadline) {
      const apps = await this.#client.apps()
      if (apps.some(({ app: running, state }) => running === app && state === 'running')) return
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error(`${app} did not run within 30 s`)
  }

  /** The longest time between two neighbouring handled events from before `during` until after it, in ms. */
  async longestGapMs(during: () => Promise<void>): Promise<number> {
    const after = (await this.#client.logs({ app })).at(-2)?.seq ?? 0
    await during()
    await new Promise((resolve) => setTimeout(resolve, 600))
    const times = (await this.#client.logs({ app, after }))
      .filter(({ message }) => message.startsWith('event '))
      .map(({ time }) => time)
    return Math.max(...times.slice(1).map((time, index) => time - (times[index] as number)))
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await exited
  }
}

/** From spawn to exit of a Node process that does nothing, in ms. */
export async function bareNodeStartMs(): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' })
  await new Promise((resolve) => child.once('exit', resolve))
  return performance.now() - startedAt
}

/** PSS of a Node process that only waits, in MB. */
export async function bareNodePssMb(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  try {
    await new Promise((resolve) => setTimeout(resolve, 400))
    return await pssMb(child.pid as number)
  } finally {
    child.kill('SIGKILL')
  }
}

/** Proportional set size of a process and its children in MB, from /proc/PID/smaps_rollup. */
export async function pssMb(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).trim()
  let total = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) / 1_024
  for (const child of children === '' ? [] : children.split(' ')) total += await pssMb(Number(child))
  return total
}
