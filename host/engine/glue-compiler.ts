/**
 * Entry of a short-lived thread that compiles glue and runs nothing of it: what a sandbox's thread is given as code
 * comes from a thread that has seen no guest. All of it is compiled, also what V8 would leave until it is called, as
 * the first call is what somebody waits for.
 */
import { setFlagsFromString } from 'node:v8'
import { Script } from 'node:vm'
import { parentPort } from 'node:worker_threads'
import { glueFile } from '../guest/index.ts'

parentPort?.on('message', (text: string) => {
  let code: Uint8Array | null
  try {
    code = codeOf(text)
  } catch {
    code = null
  }
  parentPort?.postMessage(code)
})

function codeOf(text: string): Uint8Array {
  // Of the whole process: what another thread compiles at this moment comes out the same, only earlier.
  setFlagsFromString('--no-lazy')
  let script: Script
  try {
    script = new Script(text, { filename: glueFile })
  } finally {
    setFlagsFromString('--lazy')
  }
  return script.createCachedData()
}
