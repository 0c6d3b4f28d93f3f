/** Log files in memory, on a disk that can be full, and cut off in the middle of an addition. */
import type { LogDisk } from '../../../host/logs/log-disk.ts'

export class MemoryDisk implements LogDisk {
  readonly files = new Map<string, Buffer>()
  appends = 0
  /** Bytes of the next addition that arrive before it fails; null where it does not. */
  failsAfter: number | null = null
  /** The app whose folder takes nothing. */
  brokenApp: string | null = null

  async list() {
    const apps = new Map<string, { name: string; bytes: number }[]>()
    for (const [path, { length }] of [...this.files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const [app = '', name = ''] = path.split('/')
      apps.set(app, [...(apps.get(app) ?? []), { name, bytes: length }])
    }
    return apps
  }

  async append(app: string, name: string, bytes: Uint8Array): Promise<void> {
    this.appends += 1
    if (app === this.brokenApp) throw Object.assign(new Error('read-only folder'), { code: 'EROFS' })
    const path = `${app}/${name}`
    const arrives = this.failsAfter === null ? bytes : bytes.subarray(0, this.failsAfter)
    this.files.set(path, Buffer.concat([this.files.get(path) ?? Buffer.alloc(0), arrives]))
    if (this.failsAfter !== null) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  }

  async size(app: string, name: string): Promise<number> {
    return this.files.get(`${app}/${name}`)?.length ?? 0
  }

  async read(app: string, name: string, maxBytes: number): Promise<Uint8Array | null> {
    return this.files.get(`${app}/${name}`)?.subarray(0, maxBytes) ?? null
  }

  async remove(app: string, name: string): Promise<void> {
    this.files.delete(`${app}/${name}`)
  }

  get bytes(): number {
    return [...this.files.values()].reduce((sum, { length }) => sum + length, 0)
  }
}
