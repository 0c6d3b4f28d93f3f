/**
 * Any language: a command of the developer's own, run by the shell in the app's folder, leaves the component in
 * `[component] file`. It is the developer's machine and command; nothing here is a sandbox.
 */
import { spawn } from 'node:child_process'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { messageOf } from '../../core/index.ts'
import type { BuildRequest, Language } from './language.ts'
import { buildProblems } from './problems.ts'

/** A build that takes longer hangs, or belongs into a script that publish is given the result of. */
const longestBuildMs = 15 * 60_000
/** Of the output, what an error repeats. */
const lastLines = 20

export const command: Language = {
  name: 'command',
  async build(request) {
    const { folder, manifest, progress } = request
    const line = manifest.component.command
    const file = join(folder, manifest.component.file)
    if (line !== undefined) {
      progress(`running ${line}`)
      await run(line, request)
    }
    const found = await stat(file).catch(() => null)
    if (found === null || !found.isFile()) {
      throw buildProblems.error(
        'ERR_BUILD_FAILED',
        `${line ?? 'the command'} ended well, but there is no ${file}`,
        {
          hint: 'let the command write there, or name its result under [component] file = …',
        },
      )
    }
    return new Uint8Array(await readFile(file))
  },
}

async function run(line: string, { folder, progress, signal }: BuildRequest): Promise<void> {
  const limit = AbortSignal.timeout(longestBuildMs)
  const tail: string[] = []
  // A group of its own, so that what the shell started ends with it.
  const child = spawn(line, { shell: true, cwd: folder, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const end = (): void => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself meanwhile.
    }
  }
  const either = AbortSignal.any([signal, limit])
  if (either.aborted) end()
  either.addEventListener('abort', end, { once: true })
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (text) => {
      tail.push(text.slice(0, 500))
      if (tail.length > lastLines) tail.shift()
      progress(text)
    })
  }
  try {
    const outcome = await new Promise<string | null>((resolve) => {
      child.on('error', (error) => resolve(messageOf(error)))
      child.on('close', (code, killedBy) => {
        resolve(code === 0 ? null : killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`)
      })
    })
    signal.throwIfAborted()
    if (outcome === null) return
    const why = limit.aborted ? `it took longer than ${longestBuildMs / 60_000} minutes` : outcome
    throw buildProblems.error('ERR_BUILD_FAILED', [`${line} failed: ${why}`, ...tail].join('\n  '))
  } finally {
    either.removeEventListener('abort', end)
  }
}
