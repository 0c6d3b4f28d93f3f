// Brings dist/ up to date, in a process of its own (esbuild's service would keep a test runner alive).
import { ensureBundle } from './bundle.mjs'

// esbuild has printed what is wrong by now.
await ensureBundle().catch((error) => {
  console.error(`error: ${String(error.message).split('\n')[0]}`)
  process.exitCode = 1
})
