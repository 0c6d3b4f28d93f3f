// Brings dist/ up to date, in a process of its own (esbuild's service would keep a test runner alive).
import { ensureBundle } from './bundle.mjs'

await ensureBundle()
