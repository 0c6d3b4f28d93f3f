// Runs one of our TypeScript programs (the demo, a benchmark) on any Node from 20 on: esbuild strips and joins
// our own files, packages stay where npm put them.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureInstalled, root } from './ensure.mjs'

/** Bundles `entry` (relative to the checkout) into build/run/ and imports it. */
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
    define: { 'import.meta.dirname': JSON.stringify(root) },
  })
  await import(pathToFileURL(outfile).href)
}
