// `npm run package [-- --json | --check]`: build/package/selvedge-VERSION.tgz and selvedge_VERSION_all.deb, the same
// bytes from every checkout of a commit. --check proves that, and installs both in throw-away places.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureInstalled, root } from './ensure.mjs'
import { runTypeScript } from './run-ts.mjs'

ensureInstalled()
const { buildInto } = await import('./bundle.mjs')
const folder = join(root, 'build/package')
await rm(folder, { recursive: true, force: true })
await mkdir(join(folder, 'dist'), { recursive: true })
const { failure, metafile } = await buildInto(join(folder, 'dist'))
if (failure === null) {
  await writeFile(join(folder, 'bundle.json'), JSON.stringify(metafile))
  await runTypeScript('scripts/package/index.ts')
} else {
  // esbuild has printed what is wrong by now.
  console.error(`error: ${String(failure.message).split('\n')[0]}`)
  process.exitCode = 1
}
