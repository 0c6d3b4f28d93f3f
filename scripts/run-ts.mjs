// Runs one of our TypeScript programs (the demo, a benchmark) on any Node from 20 on: esbuild strips and joins
// our own files, packages stay where npm put them.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureInstalled, root } from './ensure.mjs'

/** Bundles `entry` (relative to the checkout) into build/run/ and calls its `main({ root, args })`. */
export async function runTypeScript(entry) {
  ensureInstalled()
  const { build } = await import('esbuild')
  const outfile = join(root, 'build/run', entry.replaceAll('/', '-').replace(/\.ts$/, '.mjs'))
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    sourcemap: 'inline',
    logLevel: 'warning',
  })
  const { main } = await import(pathToFileURL(outfile).href)
  try {
    await main({ root, args: process.argv.slice(2) })
  } catch (error) {
    console.error(`error: ${error.message}`)
    process.exitCode = 1
  }
}
