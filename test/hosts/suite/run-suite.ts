/**
 * What runs on the host: vitest's own runner, expectations and snapshots in one bundle, over the same test files as
 * `npm test`, without the parts of vitest that need a compiler of this architecture. Each result is a line of JSON on
 * descriptor 3, so that what tests print is not mistaken for one, and what a crash interrupts is known.
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startTests } from 'vitest/internal/browser'
import { TestRunner } from 'vitest'
import { wordBitsOf } from '../../../core/index.ts'
import type { SuiteJob, SuiteLine } from './protocol.ts'
import { resultsOf } from './results.ts'
import { makesManyMemories } from '../suites.ts'
import { provideWorkerState, runnerConfig } from './worker-state.ts'

/** Of each file, what imports it. */
export type Loaders = Readonly<Record<string, () => Promise<unknown>>>

const reports = 3

export async function runSuite({ root, files, testMs }: SuiteJob, loaders: Loaders): Promise<void> {
  const config = runnerConfig(root, testMs)
  const state = provideWorkerState(config)
  const stray: string[] = []
  const note = (error: unknown): void => void stray.push(String(error instanceof Error ? error.stack : error))
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  const runner = new BundledRunner(config, (path) => {
    const load = loaders[path.slice(root.length + 1)]
    if (load === undefined) throw new Error(`${path} is not in the bundle`)
    return load()
  })
  for (const file of files) {
    say({ kind: 'begun', file })
    const startedAt = performance.now()
    const path = join(root, file)
    state.filepath = path
    const [task] = await startTests([{ filepath: path, testLocations: undefined }], runner)
    await new Promise((resolve) => setImmediate(resolve))
    const tests = task === undefined ? [] : resultsOf(task)
    for (const message of stray.splice(0)) tests.push({ name: '(outside of a test)', state: 'fail', message })
    say({ kind: 'ended', file, ms: Math.round(performance.now() - startedAt), tests })
  }
}

/**
 * Memories of WebAssembly that nobody has any more hold their addresses until they are collected, by the thread that made
 * them. No daemon makes as many as the tests of dozens of databases in one process do: 32 bits have not the room for them.
 */
const collect = wordBitsOf(process.arch) === 32 ? collector() : null

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** vitest measures its own steps; nobody looks at that here. */
const untraced = { $: (_name: string, _options: unknown, run: (span: unknown) => unknown) => run({}) }

class BundledRunner extends TestRunner {
  readonly #root: string
  readonly #load: (path: string) => Promise<unknown>

  constructor(config: ReturnType<typeof runnerConfig>, load: (path: string) => Promise<unknown>) {
    super(config as never)
    this.#root = config.root
    this.#load = load
    // oxlint-disable-next-line no-underscore-dangle -- vitest calls it so
    this.__setTraces(untraced as never)
  }

  override onAfterRunTask(...args: Parameters<TestRunner['onAfterRunTask']>): void {
    super.onAfterRunTask(...args)
    const [{ file }] = args
    if (makesManyMemories(file.filepath.slice(this.#root.length + 1))) collect?.()
  }

  override importFile(path: string): Promise<void> {
    return this.#load(path) as Promise<void>
  }
}

function say(line: SuiteLine): void {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
  for (let at = 0; at < bytes.length;) at += writeSync(reports, bytes, at)
}
