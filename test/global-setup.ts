/** Builds dist/ and the components once before the tests: sandboxes and end-to-end tests run the built files. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Neither needs what the other makes. */
const scripts = ['ensure-bundle.mjs', 'build-components.mjs'] as const

export default async function setup(): Promise<void> {
  await Promise.all(
    scripts.map(async (name) => {
      const script = fileURLToPath(new URL(`../scripts/${name}`, import.meta.url))
      const [status] = (await once(spawn(process.execPath, [script], { stdio: 'inherit' }), 'close')) as [
        number | null,
      ]
      // What does not need the program can still be tested; what does will not find a stale one.
      if (status !== 0) console.error(`scripts/${name} failed: tests that run what it builds will fail`)
    }),
  )
}
