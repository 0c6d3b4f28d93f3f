/**
 * The two implementations as a script sees them that sits where jco's glue sits and sleeps when the glue would: ours
 * in its own sandbox, with the thread, the line and the node's half of an app; preview2-shim's in a thread as well,
 * so that whoever it talks to can live in the test's own.
 */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { BoundInterface } from '../../../host/engine/index.ts'
import { scriptPrelude, scriptRunner } from '../../host/interfaces/guest-script.ts'

export interface ScriptSubject {
  readonly name: 'ours' | 'preview2-shim'
  /** @param script the body of a function of `imports`, by path without version; see `scriptPrelude` */
  run(script: string): Promise<unknown>
  close(): Promise<void>
}

export async function oursAsScript(imports: () => readonly BoundInterface[]): Promise<ScriptSubject> {
  const runner = await scriptRunner()
  return { name: 'ours', run: (script) => runner.run(script, imports()), close: () => runner.close() }
}

const shimFile = pathToFileURL(createRequire(import.meta.url).resolve('@bytecodealliance/preview2-shim')).href

/** Packages and interfaces of the shim are named in camelCase. */
const insideShim = `
  const { parentPort, workerData } = require('node:worker_threads')
  const kebab = (name) => name.replace(/[A-Z]/g, (letter) => '-' + letter.toLowerCase())
  void (async () => {
    const shim = await import(workerData.shim)
    const imports = {}
    for (const [pack, interfaces] of Object.entries(shim))
      for (const [name, functions] of Object.entries(interfaces)) imports['wasi:' + pack + '/' + kebab(name)] = functions
    try {
      parentPort.postMessage({ value: new Function('imports', workerData.script)(imports) })
    } catch (error) {
      parentPort.postMessage({ failure: String(error && error.stack || error) })
    }
  })()
`

/** jco's glue takes what is thrown and is no Error for the payload, which the shim counts on. */
const shimPrelude = scriptPrelude.replace(
  'throw error',
  'if (!(error instanceof Error)) return { err: error }; throw error',
)

/** The longest that one script may take, in ms: where the shim hangs, that is what the case says. */
const longestScriptMs = 60_000

export const shimAsScript: ScriptSubject = {
  name: 'preview2-shim',
  async run(script) {
    const workerData = { shim: shimFile, script: shimPrelude + script }
    const worker = new Worker(insideShim, { eval: true, workerData, execArgv: [] })
    try {
      const [said] = (await once(worker, 'message', { signal: AbortSignal.timeout(longestScriptMs) })) as [
        { value?: unknown; failure?: string },
      ]
      if (said.failure !== undefined) throw new Error(said.failure)
      return said.value
    } finally {
      await worker.terminate()
    }
  },
  close: async () => {},
}
