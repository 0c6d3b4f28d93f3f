/** What a service's installation touches of a machine: the seam through which tests are one. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { messageOf } from '../../core/index.ts'
import type { CommandLine } from './contract.ts'

export interface CommandResult {
  /** 127 where the program is not there; null where it was ended. */
  readonly status: number | null
  /** Both of its streams, and nothing beyond the first {@link mostOutputBytes}. */
  readonly output: string
}

export interface Machine {
  /** Who installs; 0 for root. */
  readonly uid: number
  exists(path: string): boolean
  /** @returns null where there is none. @throws what the system says of one that cannot be read */
  read(path: string): Promise<{ readonly text: string; readonly mode: number } | null>
  /** Whole or not at all, flushed; folders above it are made. */
  write(path: string, text: string, mode: number): Promise<void>
  /** Nothing happens where there is none. */
  remove(path: string): Promise<void>
  run(line: CommandLine): Promise<CommandResult>
}

const mostOutputBytes = 64 * 1024
/** A manager that starts a service waits for what it does. */
const commandMs = 90_000

export function systemMachine(): Machine {
  return {
    uid: process.getuid?.() ?? -1,
    exists: (path) => existsSync(path),
    async read(path) {
      try {
        const { mode } = await stat(path)
        return { text: await readFile(path, 'utf8'), mode: mode & 0o7777 }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw error
      }
    },
    write,
    remove: (path) => rm(path, { force: true }),
    run,
  }
}

async function write(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  const temporary = `${path}.selvedge-new`
  try {
    await rm(temporary, { force: true })
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(text)
      // The mode that was asked for, whatever the umask; of this file, whatever its name leads to by now.
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

function run(line: CommandLine): Promise<CommandResult> {
  return new Promise((resolve) => {
    let output = ''
    // What is read here is what the tools say in English.
    const child = spawn('env', ['LC_ALL=C', ...line], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: commandMs,
    })
    const take = (chunk: Buffer): void => {
      if (output.length < mostOutputBytes) output += chunk.toString('utf8')
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', (error) => resolve({ status: null, output: messageOf(error) }))
    child.on('close', (status) => resolve({ status, output }))
  })
}
