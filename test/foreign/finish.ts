/** Runs a program to its end, with what it said at hand where it fails. */
import { spawn } from 'node:child_process'

export interface Finished {
  /** Null after a signal, or where it could not be started. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface FinishOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Never rejects: a program that is not there ends with code null and says so. */
export function finish(
  program: string,
  args: readonly string[],
  withinMs: number,
  { cwd, env = process.env }: FinishOptions = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...env, LC_ALL: 'C' },
      ...(cwd === undefined ? {} : { cwd }),
    })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const timer = setTimeout(() => {
      stderr += `it took longer than ${withinMs} ms\n`
      child.kill('SIGKILL')
    }, withinMs)
    const end = (code: number | null): void => {
      clearTimeout(timer)
      resolve({ code, stdout, stderr })
    }
    child.once('error', ({ message }) => {
      stderr += message
      end(null)
    })
    child.once('close', end)
  })
}

/** @returns what it printed. @throws its last words where it ends with another code than 0 */
export async function mustFinish(
  program: string,
  args: readonly string[],
  withinMs: number,
  options: FinishOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await finish(program, args, withinMs, options)
  if (code === 0) return stdout
  const said = stderr.trim() || stdout.trim()
  throw new Error(`${program} ended with ${code}: ${said.slice(-1_500)}`)
}
