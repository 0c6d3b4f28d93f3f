/**
 * Entry of a short-lived thread that compiles glue and runs nothing of it: what a sandbox's thread is given as code
 * comes from a thread that has seen no guest. All of it is compiled, also what V8 would leave until it is called, as
 * the first call is what somebody waits for.
 */
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { parentPort } from 'node:worker_threads'

/** The name is part of what V8 looks for in a code. It comes along, so that this program is next to nothing. */
export interface GlueJob {
  readonly text: string
  readonly filename: string
}

parentPort?.on('message', (job: GlueJob) => {
  let code: Uint8Array | null
  try {
    code = codeOf(job)
  } catch {
    code = null
  }
  parentPort?.postMessage(code)
})

function codeOf({ text, filename }: GlueJob): Uint8Array {
  // Of the whole process: what another thread compiles at this moment comes out the same, only earlier.
  setFlagsFromString('--no-lazy')
  let script: Script
  try {
    script = new Script(text, { filename })
  } finally {
    setFlagsFromString('--lazy')
  }
  return script.createCachedData()
}
