/** A machine with files, users and a service manager, all in memory; it can fail at any one of the things it is asked. */
import type { Machine } from '../../../host/service/index.ts'

interface Situation {
  readonly files: ReadonlyMap<string, string>
  readonly folders: ReadonlySet<string>
  readonly users: ReadonlySet<string>
  readonly isEnabled: boolean
  readonly isRunning: boolean
}

export interface PretendOptions {
  readonly uid?: number
  readonly files?: Readonly<Record<string, string>>
  /** Which of the changes that it is asked for fails, counted from 1. */
  readonly failsAt?: number
  /** Which file only root may read. */
  readonly closed?: string
  /** What becomes of a node that is started. */
  readonly ends?: boolean
}

export class PretendMachine implements Machine {
  readonly uid: number
  readonly asked: string[] = []
  changes = 0
  readonly #failsAt: number
  readonly #ends: boolean
  readonly #closed: string | undefined
  #files: Map<string, string>
  #folders = new Set([
    '/var/lib',
    '/etc',
    '/etc/systemd/system',
    '/etc/default',
    '/etc/init.d',
    '/etc/conf.d',
  ])
  #users = new Set<string>()
  #isEnabled = false
  #isRunning = false
  #hasFailed = false

  constructor({ uid = 0, files = {}, failsAt = 0, ends = false, closed }: PretendOptions = {}) {
    this.uid = uid
    this.#failsAt = failsAt
    this.#ends = ends
    this.#closed = closed
    this.#files = new Map(
      Object.entries({
        '/run/systemd/system': '',
        '/usr/sbin/useradd': '',
        '/etc/group': 'root:x:0:\ngpio:x:997:\n',
        ...files,
      }),
    )
  }

  get situation(): Situation {
    return {
      files: new Map(this.#files),
      folders: new Set(this.#folders),
      users: new Set(this.#users),
      isEnabled: this.#isEnabled,
      isRunning: this.#isRunning,
    }
  }

  exists(path: string): boolean {
    return this.#files.has(path) || this.#folders.has(path)
  }

  async read(path: string): Promise<{ text: string; mode: number } | null> {
    if (this.uid !== 0 && path === this.#closed)
      throw Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { code: 'EACCES' })
    const text = this.#files.get(path)
    return text === undefined ? null : { text, mode: 0o644 }
  }

  async write(path: string, text: string): Promise<void> {
    if (this.#fails()) throw new Error('no space left on device')
    this.#folders.add(path.slice(0, path.lastIndexOf('/')))
    this.#files.set(path, text)
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(path)
  }

  async run(line: readonly string[]): Promise<{ status: number; output: string }> {
    const text = line.join(' ')
    this.asked.push(text)
    if (line[0] === 'id') return { status: this.#users.has(line[2] ?? '') ? 0 : 1, output: '' }
    if (line[1] === 'show') return { status: 0, output: this.#shown() }
    if (line[0] === 'journalctl') return { status: 0, output: 'error[ERR_CONFIG_INVALID]: no such key\n' }
    if (this.#fails()) return { status: 1, output: `${line[0]}: it did not work\n` }
    this.#change(line)
    return { status: 0, output: '' }
  }

  #shown(): string {
    const active = this.#isRunning ? (this.#ends ? 'failed' : 'active') : 'inactive'
    return `ActiveState=${active}\nUnitFileState=${this.#isEnabled ? 'enabled' : 'disabled'}\nNRestarts=0\n`
  }

  #change(line: readonly string[]): void {
    const last = line.at(-1) ?? ''
    const verb = line[0] === 'systemctl' ? line[1] : line[0]
    if (verb === 'useradd') this.#users.add(last)
    if (verb === 'userdel') this.#users.delete(last)
    if (verb === 'install') this.#folders.add(last)
    if (verb === 'rmdir') this.#folders.delete(last)
    if (verb === 'enable') this.#isEnabled = true
    if (verb === 'disable') this.#isEnabled = false
    if (verb === 'restart') this.#isRunning = true
    if (verb === 'stop' || line.includes('--now')) this.#isRunning = false
  }

  /** Once: what takes back must not fail for the same reason. */
  #fails(): boolean {
    this.changes += 1
    if (this.#hasFailed || this.changes !== this.#failsAt) return false
    this.#hasFailed = true
    return true
  }
}
