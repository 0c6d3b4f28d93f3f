/** What V8 is told for all threads of a process, by whichever of them is first. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'

test('the flags of the engine are said once for all threads: one that starts later does not undo what was said since', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-flags-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const program = join(folder, 'threads.mjs')
  const source =
    "import './core/compat.ts'\n" +
    "import { isMainThread, Worker } from 'node:worker_threads'\n" +
    "import { cachedDataVersionTag, setFlagsFromString } from 'node:v8'\n" +
    'if (isMainThread) {\n' +
    "  setFlagsFromString('--no-experimental-wasm-extended-const')\n" +
    '  const before = cachedDataVersionTag()\n' +
    "  new Worker(new URL(import.meta.url)).on('exit', () => console.log(cachedDataVersionTag() === before))\n" +
    '}\n'
  await build({
    stdin: { contents: source, resolveDir: process.cwd(), loader: 'ts' },
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
  })
  expect(execFileSync(process.execPath, [program], { encoding: 'utf8' })).toBe('true\n')
})
