/** One thing that is tried with the packages, outside of the checkout. */
import { spawnSync } from 'node:child_process'

export interface TrialContext {
  readonly root: string
  readonly archive: string
  readonly deb: string
  readonly version: string
  /** A folder of its own, which goes afterwards. */
  readonly scratch: string
  say(text: string): void
}

export interface Trial {
  readonly name: string
  /** What this machine lacks for it, with what to install; null where it has everything. */
  lacks(): string | null
  /** @throws what is wrong */
  run(context: TrialContext): Promise<void>
}

export interface Told {
  readonly status: number | null
  /** Both streams. */
  readonly text: string
}

/** Runs a program and waits for it. */
export function tell(line: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): Told {
  const [program = '', ...args] = line
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  })
  return { status, text: `${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : error.message}` }
}

/** @throws what it said, where it failed */
export function mustTell(
  line: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): string {
  const { status, text } = tell(line, options)
  if (status !== 0)
    throw new Error(`${line.join(' ').slice(0, 200)} ended with ${status}:\n${text.slice(-2_000)}`)
  return text
}

export function expectText(what: string, text: string, pattern: RegExp): void {
  if (!pattern.test(text)) throw new Error(`${what}: expected ${pattern}, got:\n${text.slice(-2_000)}`)
}

export function missingTools(names: readonly string[]): string[] {
  return names.filter((name) => tell(['sh', '-c', `command -v ${name}`]).status !== 0)
}
