/** A folder that looks like `/` to drivers of devices: files of sysfs, and programs that behave like the real ones. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export class DeviceTree {
  readonly root = mkdtempSync(join(tmpdir(), 'selvedge-devices-'))

  /** @param files by path below the root, each with what it holds */
  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.write(path, text)
  }

  path(path: string): string {
    return join(this.root, path)
  }

  write(path: string, text: string | Uint8Array): void {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    // Under another name first: nobody reads half of it.
    const next = `${this.path(path)}.next`
    writeFileSync(next, text)
    renameSync(next, this.path(path))
  }

  read(path: string): string {
    return readFileSync(this.path(path), 'utf8')
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(this.path(path)), { recursive: true })
    symlinkSync(target, this.path(path))
  }

  /** A program of the system; `$root` is this folder in it. */
  program(name: string, script: string): void {
    const path = `usr/bin/${name}`
    this.write(path, `#!/bin/sh\nroot=$(cd "$(dirname "$0")/../.." && pwd)\n${script}`)
    chmodSync(this.path(path), 0o755)
  }

  remove(path: string): void {
    rmSync(this.path(path), { recursive: true, force: true })
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true })
  }
}
