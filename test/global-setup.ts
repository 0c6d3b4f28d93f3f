/** Builds dist/ and the components once before the tests: sandboxes and end-to-end tests run the built files. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export default function setup(): void {
  for (const name of ['ensure-bundle.mjs', 'build-components.mjs']) {
    const script = fileURLToPath(new URL(`../scripts/${name}`, import.meta.url))
    const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' })
    // What does not need the program can still be tested; what does will not find a stale one.
    if (status !== 0) console.error(`scripts/${name} failed: tests that run what it builds will fail`)
  }
}
