// Builds every app under components/, or those named: node scripts/build-components.mjs [--force] [NAME]…
// An app whose component is newer than all of its sources, the wit/ folder and the build itself is left alone.
import { readdir, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const args = process.argv.slice(2)
const force = args.includes('--force')
const wanted = args.filter((arg) => !arg.startsWith('-'))

// The same code as `selvedge build`, bundled on the fly, so that this runs on any Node and before dist/ exists.
const program = join(root, 'build', 'build-app.mjs')
await build({
  stdin: {
    contents: `import './core/compat.ts'
      export { buildApp } from './host/build/index.ts'
      export { readManifest } from './host/manifest/index.ts'`,
    resolveDir: root,
    loader: 'ts',
  },
  outfile: program,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node18',
  packages: 'external',
  logLevel: 'warning',
})
const { buildApp, readManifest } = await import(program)

const apps = (await readdir(join(root, 'components'), { withFileTypes: true }))
  .filter((entry) => entry.isDirectory() && (wanted.length === 0 || wanted.includes(entry.name)))
  .map((entry) => entry.name)
  .sort()
for (const name of wanted) {
  if (!apps.includes(name)) fail(new Error(`there is no components/${name}`))
}
const shared = await newest([join(root, 'wit'), join(root, 'host', 'build'), join(root, 'package-lock.json')])
for (const app of apps) {
  const folder = join(root, 'components', app)
  try {
    const { component } = await readManifest(folder)
    const file = join(folder, component.file)
    const builtAt = await stat(file).then(
      (found) => found.mtimeMs,
      () => 0,
    )
    if (!force && builtAt > Math.max(shared, await newest([folder], file))) {
      console.error(`${app}: up to date`)
      continue
    }
    const { sizeBytes, ms } = await buildApp(folder)
    console.error(`${app}: ${relative(root, file)}, ${sizeBytes} bytes, ${(ms / 1000).toFixed(1)} s`)
  } catch (error) {
    fail(error)
  }
}

/** When the youngest file under the paths changed, in ms; `except` is one that does not count. */
async function newest(paths, except) {
  let latest = 0
  for (const path of paths) {
    if (path === except) continue
    const found = await stat(path)
    const inside = found.isDirectory() ? (await readdir(path)).map((name) => join(path, name)) : []
    // A folder's own time changes when the build puts its result there, so only files count.
    latest = Math.max(latest, found.isDirectory() ? await newest(inside, except) : found.mtimeMs)
  }
  return latest
}

function fail(error) {
  console.error(error.code ? `error[${error.code}]: ${error.message}` : error)
  if (error.hint) console.error(`hint: ${error.hint}`)
  process.exit(1)
}
