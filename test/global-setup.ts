/** Builds dist/ once before the tests: sandboxes, preparations and end-to-end tests run the built files. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('../scripts/ensure-bundle.mjs', import.meta.url))

export default function setup(): void {
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' })
  // What does not need the program can still be tested; what does will not find a stale one.
  if (status !== 0) console.error('building dist/ failed: tests that run the program will fail')
}
