/** How much of the heap is in use when everything that can be collected was: what a test of bounded memory compares. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** @returns bytes, buffers outside the heap included */
export function heapInUse(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
