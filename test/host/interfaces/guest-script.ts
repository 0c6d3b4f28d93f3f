/**
 * A sandbox whose guest is a piece of JavaScript: it sits where jco's glue sits, sees what the glue sees, and
 * sleeps when the glue would sleep. The thread, the line, the parts and the node's half are the real ones.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { digestOf, silentLog, systemClock } from '../../../core/index.ts'
import type { BoundInterface, ComponentFacts, Prepared } from '../../../host/engine/index.ts'
import { defaultLimits, type EngineLimits } from '../../../host/engine/limits.ts'
import { startSandbox } from '../../../host/engine/sandbox/sandbox.ts'
import { spawnThread } from '../../../host/engine/sandbox/thread-link.ts'
import { glueScript } from '../../../host/guest/index.ts'

export interface ScriptRunner {
  /** @param script the body of a function of `imports` (by path, without versions) and of `payload`, see below */
  run(script: string, imports: readonly BoundInterface[], limits?: Partial<EngineLimits>): Promise<unknown>
  close(): Promise<void>
}

/** `payload(() => …)` in a script gives the WIT error that the function throws, or `{ ok: result }`. */
export const scriptPrelude = `
  const payload = (run) => {
    try { return { ok: run() } }
    catch (error) { if (error && typeof error === 'object' && 'payload' in error) return { err: error.payload }; throw error }
  }
  const utf8 = (text) => new TextEncoder().encode(text)
  const text = (bytes) => bytes === undefined ? undefined : new TextDecoder().decode(bytes)
  const drop = (resource) => resource[Symbol.dispose ?? Symbol.for('dispose')]()
`

export async function scriptRunner(): Promise<ScriptRunner> {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-script-'))
  const file = join(folder, 'sandbox.mjs')
  await build({
    entryPoints: ['host/sandbox-thread.ts'],
    inject: ['core/compat.ts'],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    banner: {
      js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
    },
    logLevel: 'error',
  })
  const sandbox = pathToFileURL(file)
  const program = {
    prepare: sandbox,
    sandbox,
    sandboxProcess: sandbox,
    sandboxShared: sandbox,
    glueCompiler: sandbox,
    build: 'test',
  }
  const facts: ComponentFacts = {
    kind: 'component',
    digest: digestOf(new Uint8Array()),
    sizeBytes: 0,
    imports: [],
    exports: [],
    features: [],
  }
  return {
    async run(script, imports, limits = {}) {
      const glue = `export function instantiate(_, imports) { ${scriptPrelude}
        return { 'test:script/run@1.0.0': { run() { ${script} } } } }`
      const prepared: Prepared = { facts, entry: 'none', fresh: true }
      const running = startSandbox(
        { app: 'script', prepared, imports, deadlineMs: 20_000, memoryBytes: 0 },
        { facts, glue: { text: glueScript(glue), code: null }, restore: null, modules: [] },
        {
          clock: systemClock,
          log: silentLog,
          limits: { ...defaultLimits, ...limits },
          program,
          link: spawnThread,
        },
      )
      try {
        await running.ready
        return await running.call('test:script/run@1.0.0#run', [])
      } finally {
        await running.stop()
      }
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}
