/** What a long life of one asynchronous instance leaves on the heap. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { readFile } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { GuestFunction } from '../../../../host/guest/part.ts'
import { makeWorld, withoutSuspending } from './kit.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function usedBytes(): number {
  // Twice: what the first run finds unreachable may have held something itself.
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

describe.skipIf(withoutSuspending !== false)(`a heap (${withoutSuspending || 'JSPI is here'})`, () => {
  test('is as large after thousands of calls that pass streams and futures as after a few', async () => {
    const source = new URL('../../../guests/p3-cat.wat', import.meta.url)
    const exports = await makeWorld().instantiate(await parse(await readFile(source, 'utf8')))
    const { run } = exports['wasi:cli/run@0.3.0'] as { run: GuestFunction }
    const calls = async (count: number): Promise<void> => {
      for (let left = count; left > 0; left -= 1) await run()
    }
    await calls(500)
    const before = usedBytes()
    await calls(3_000)
    // The generator's own glue keeps some kilobytes of each.
    expect((usedBytes() - before) / 3_000).toBeLessThan(100)
  }, 60_000)
})
