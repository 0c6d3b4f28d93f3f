/**
 * Small programs of the system that speak to devices for us (i2ctransfer, gpioget, stty), so that no addon must be
 * built. They are looked for below the root of devices, where tests put their own.
 */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/index.ts'
import { refused } from './advice.ts'

const folders = ['usr/local/bin', 'usr/local/sbin', 'usr/bin', 'usr/sbin', 'bin', 'sbin']
/** Of what one writes; more than any of them has to say. */
const maxOutputBytes = 256 * 1_024

/** @throws ERR_DEVICE_UNAVAILABLE with the line that installs it */
export async function findProgram(root: string, name: string, install: string): Promise<string> {
  for (const folder of folders) {
    const path = join(root, folder, name)
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path
  }
  throw refused(`the program ${name} is not installed`, install)
}

export interface Ran {
  /** null where a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs it to its end, which it may reach with a failure of its own.
 * @throws ERR_DEVICE_UNAVAILABLE where it does not start, says too much or takes longer than `timeoutMs`; the
 * signal's reason
 */
export function runProgram(
  path: string,
  args: readonly string[],
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Ran> {
  signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    const child = execFile(
      path,
      [...args],
      {
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: maxOutputBytes,
        encoding: 'utf8',
        env: plainEnvironment,
      },
      (error, stdout, stderr) => {
        signal?.removeEventListener('abort', onAbort)
        if (signal?.aborted) return reject(signal.reason as Error)
        const code = (error as { readonly code?: unknown } | null)?.code
        if (error === null || typeof code === 'number') {
          return resolve({ code: error === null ? 0 : Number(code), stdout, stderr })
        }
        const why = error.killed ? `it did not end within ${timeoutMs} ms` : messageOf(error)
        reject(refused(`${path}: ${why}`))
      },
    )
    const onAbort = (): void => void child.kill('SIGKILL')
    signal?.addEventListener('abort', onAbort, { once: true })
    child.stdin?.end()
  })
}

/** Their messages are read by us: in no language but the one they were written in. */
export const plainEnvironment = { LC_ALL: 'C', LANG: 'C', PATH: '/usr/local/bin:/usr/bin:/bin' }

/** The first line of what a program complained of, fit for a message. */
export function complaint({ stderr, stdout, code }: Ran): string {
  const line = (stderr.trim() === '' ? stdout : stderr).trim().split('\n')[0] ?? ''
  return line === '' ? `it ended with ${code ?? 'a signal'}` : line.slice(0, 200)
}
