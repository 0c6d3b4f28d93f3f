/**
 * Entry of the short-lived child: one job on stdin, one packed answer on stdout, then it ends.
 *
 * It has an empty environment, reads no file but its own transpiler, and is killed at a deadline. Whatever a
 * hostile component does to the transpiler, it does it here.
 */
import { readSync } from 'node:fs'
import { isSelvedgeError, messageOf } from '../../core/index.ts'
import { formOf } from './component-form.ts'
import { runModuleJob } from './module-job.ts'
import { pack } from './packed.ts'
import { runJob } from './prepare-job.ts'
import type { PrepareJob, Refusal } from './prepare-protocol.ts'

const pieceBytes = 64 * 1024

const { job, component } = await readRequest()
let answer: Uint8Array
try {
  const { parts, ...header } = await (formOf(component) === 'core-module' ? runModuleJob : runJob)(
    component,
    job,
  )
  answer = pack({ v: 1, ...header }, parts)
} catch (error) {
  const refusal: Refusal = isSelvedgeError(error)
    ? { code: error.code, message: error.message, hint: error.hint }
    : { code: 'ERR_PREPARE_FAILED', message: `the transpiler failed: ${messageOf(error)}`, hint: '' }
  answer = pack({ v: 1, refusal }, new Map())
}
// Ends by itself when the pipe has taken everything: process.exit() would cut it off.
process.stdout.write(answer)

/** u32 (little-endian) length, the job as JSON, the component. The parent bounds all of it. */
async function readRequest(): Promise<{ job: PrepareJob; component: Uint8Array<ArrayBuffer> }> {
  const input = await readAll()
  const length = input.readUInt32LE(0)
  return {
    job: JSON.parse(input.subarray(4, 4 + length).toString('utf8')) as PrepareJob,
    component: new Uint8Array(input.subarray(4 + length)),
  }
}

/** Waits in the kernel: to load Node's streams takes a slow board a quarter of a second. */
async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(pieceBytes)
      const size = readSync(0, chunk)
      if (size === 0) return Buffer.concat(chunks)
      chunks.push(chunk.subarray(0, size))
    }
  } catch {
    // A pipe that cannot be waited for: the rest comes as it comes.
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }
}
