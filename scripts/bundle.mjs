// Builds dist/: the program and its chunks, the files that run components, and the transpiler's own WebAssembly.
//
// dist/ alone is the product: it runs where it is copied to, without node_modules and without a native addon.
// selvedge.mjs looks whether everything is there and new enough, and loads program.mjs, which is what every command
// needs; the engine and the builders are chunks beside it that the commands import when they need them, so that `status`
// does not pay for what others load. For `up` it runs daemon.cjs instead, which has everything of a node.
// `node scripts/bundle.mjs` builds; tests call ensureBundle(), which builds only when a source is newer.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { appendFile, copyFile, mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import {
  emptyWorld,
  builtinsByName,
  noOtherCommands,
  onlyWhatIsUsed,
  programBeside,
  withoutAddons,
} from './bundle-plugins.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const stampFile = join(root, 'build/bundle.stamp')
/** esbuild's account of which source went into which file of the program. */
const metaFile = join(root, 'build/bundle.json')
const packages = createRequire(import.meta.url)

/** What is built from what. The program comes last: the others do not depend on it. */
const program = { file: 'program.mjs', entry: 'host/main.ts' }
/** The program with the node in it: one script, whose compiled code host/kept-script.ts keeps. */
const daemon = { file: 'daemon.cjs', entry: 'host/daemon.ts' }
/** Runs before both on whatever Node.js there is, so it gets neither compat.ts nor today's syntax. */
const starter = { file: 'selvedge.mjs', entry: 'host/entry.ts', target: 'node12.20' }
const outputs = [
  { file: 'prepare.mjs', entry: 'host/engine/prepare-child.ts' },
  { file: 'sandbox.mjs', entry: 'host/sandbox-thread.ts' },
  { file: 'sandbox-process.mjs', entry: 'host/sandbox-process.ts' },
  { file: 'sandbox-shared.mjs', entry: 'host/sandbox-shared.ts' },
  { file: 'glue-compiler.mjs', entry: 'host/engine/glue-compiler.ts' },
  { file: 'storage.mjs', entry: 'host/storage/sqlite/worker.ts' },
  { file: 'replicas.mjs', entry: 'host/storage/group/worker.ts' },
  { file: 'queue.mjs', entry: 'host/queue/sqlite/worker.ts' },
  { file: 'patch.mjs', entry: 'mesh/patches/worker.ts' },
  program,
  daemon,
  starter,
]

const chunkPrefix = 'selvedge-'
/** The files of a build, for the starter. */
const listFile = 'build.json'

/** jco's generator is a component itself; its glue looks for these beside it. */
const vendor = join(dirname(packages.resolve('@bytecodealliance/jco-transpile')), '../vendor')
const transpilerModules = [
  'js-component-bindgen-component.core.wasm',
  'js-component-bindgen-component.core2.wasm',
]

/** SQLite for the versions of Node.js without one of their own; its program looks for this beside it. */
const sqlite = dirname(packages.resolve('node-sqlite3-wasm'))
const sqliteModule = 'node-sqlite3-wasm.wasm'

/** zstd for the versions of Node.js without one that takes a dictionary; mesh/patches instantiates it itself. */
const zstdModule = join(dirname(packages.resolve('@bokuweb/zstd-wasm')), 'zstd.wasm')

async function bundleStarter(folder) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { [starter.file.replace('.mjs', '')]: starter.entry },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    metafile: true,
    bundle: true,
    platform: 'node',
    target: starter.target,
    format: 'esm',
    minifyWhitespace: true,
    legalComments: 'none',
    plugins: [programBeside],
    logLevel: 'warning',
  })
  return metafile
}

/** What all outputs but the starter have in common. */
const shared = {
  absWorkingDir: root,
  metafile: true,
  inject: [join(root, 'core/compat.ts')],
  bundle: true,
  platform: 'node',
  target: 'node18',
  // Identifiers stay: they cost a third of the size, and a stack trace from the field can be read.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
}
const plugins = [emptyWorld, withoutAddons, builtinsByName, onlyWhatIsUsed]

function escaped(character) {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

async function bundleDaemon(folder) {
  const { metafile } = await build({
    ...shared,
    entryPoints: { [daemon.file.replace('.cjs', '')]: daemon.entry },
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    charset: 'ascii',
    define: { 'import.meta.url': '__url' },
    banner: { js: "const __url=require('node:url').pathToFileURL(__filename).href;" },
    plugins: [...plugins, noOtherCommands],
  })
  // V8 keeps such a text in one byte for each character, and host/kept-script.ts reads it so. What esbuild leaves stands in
  // regular expressions.
  const file = join(folder, daemon.file)
  const text = await readFile(file, 'utf8')
  const ascii = text.replace(/[^\0-\x7f]/g, escaped)
  // A script that is run with kept code may not import by itself; whoever runs it gives it a way.
  await writeFile(file, ascii.replace(/(?<![.\w$])import\(/g, '__import('))
  return metafile
}

async function bundleOne({ file, entry }, folder) {
  if (file === starter.file) return bundleStarter(folder)
  if (file === daemon.file) return bundleDaemon(folder)
  const { metafile } = await build({
    ...shared,
    entryPoints: { [file.replace('.mjs', '')]: entry },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    // Flat, as what runs in a chunk looks for the other files beside itself.
    splitting: file === program.file,
    chunkNames: `${chunkPrefix}[hash]`,
    format: 'esm',
    plugins,
    banner: {
      js:
        "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);" +
        "import{fileURLToPath as __toPath}from'node:url';const __dirname=__toPath(new URL('.',import.meta.url));",
    },
  })
  return metafile
}

/**
 * Builds everything into `folder`, which is empty: the same bytes wherever the checkout lies.
 * @returns the first failure, null where there was none, after everything else has been built; and which source went
 * into which file
 */
export async function buildInto(folder) {
  const metafile = { inputs: {}, outputs: {} }
  const marked = []
  let failure = null
  for (const output of outputs) {
    if (!existsSync(join(root, output.entry))) {
      console.error(`skipping dist/${output.file}: there is no ${output.entry} yet`)
      continue
    }
    try {
      const { inputs, outputs: made } = await bundleOne(output, folder)
      Object.assign(metafile.inputs, inputs)
      Object.assign(metafile.outputs, made)
      marked.push(output.file)
    } catch (error) {
      failure ??= error
    }
  }
  for (const name of transpilerModules) await copyFile(join(vendor, name), join(folder, name))
  await copyFile(join(sqlite, sqliteModule), join(folder, sqliteModule))
  await copyFile(zstdModule, join(folder, 'zstd.wasm'))
  await writeFile(join(folder, 'prepare.json'), await describeTranspiler(folder))
  await markBuild(folder, marked.sort())
  return { failure, metafile }
}

/**
 * Builds everything into dist/. Files are replaced one by one, each whole, and the program after its chunks, so
 * that a running program or test never sees half of one.
 * @param {{ chunksKeptMs?: number }} options for how long chunks of earlier builds stay: a program that runs may
 * not have loaded all of its own yet
 * @throws the first failure, after everything else has been built
 */
export async function bundle({ chunksKeptMs = 0 } = {}) {
  const folder = join(root, `build/bundle-${process.pid}`)
  await mkdir(folder, { recursive: true })
  await mkdir(dist, { recursive: true })
  try {
    const { failure, metafile } = await buildInto(folder)
    await writeFile(metaFile, JSON.stringify(metafile))
    const last = [program.file, daemon.file, starter.file, listFile]
    const built = (await readdir(folder)).sort((a, b) => last.indexOf(a) - last.indexOf(b))
    for (const name of built) await rename(join(folder, name), join(dist, name))
    // A stale program would make tests pass that should not.
    for (const { file } of outputs) if (!built.includes(file)) await rm(join(dist, file), { force: true })
    await removeOldChunks(built, chunksKeptMs)
    if (failure !== null) throw failure
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What host/installation.ts reads: the files of this build, and the mark that ends those that keep their names. */
async function markBuild(folder, marked) {
  const names = (await readdir(folder)).sort()
  const hash = createHash('sha256')
  for (const name of names) hash.update(`${name}\n`).update(await readFile(join(folder, name)))
  const id = hash.digest('hex').slice(0, 16)
  for (const name of marked) await appendFile(join(folder, name), `//build:${id}\n`)
  const files = {}
  for (const name of names) files[name] = (await stat(join(folder, name))).size
  await writeFile(join(folder, listFile), `${JSON.stringify({ build: id, files, marked }, null, 1)}\n`)
}

async function removeOldChunks(built, keptMs) {
  for (const name of await readdir(dist)) {
    if (!name.startsWith(chunkPrefix) || built.includes(name)) continue
    const { mtimeMs } = await stat(join(dist, name))
    if (Date.now() - mtimeMs >= keptMs) await rm(join(dist, name), { force: true })
  }
}

/** What the engine puts into its cache keys: it changes with every byte that shapes the output. */
async function describeTranspiler(folder) {
  const hash = createHash('sha256')
  for (const name of ['prepare.mjs', ...transpilerModules]) hash.update(await readFile(join(folder, name)))
  const manifest = JSON.parse(await readFile(join(vendor, '../package.json'), 'utf8'))
  return `${JSON.stringify({ jco: manifest.version, build: hash.digest('hex').slice(0, 16) })}\n`
}

/** Builds when something that goes into dist/ has changed since the last time. */
export async function ensureBundle() {
  const stamp = await stampOfSources()
  const last = await readFile(stampFile, 'utf8').catch(() => '')
  const complete =
    existsSync(metaFile) &&
    existsSync(join(dist, listFile)) &&
    outputs.every(({ file, entry }) => existsSync(join(dist, file)) || !existsSync(join(root, entry)))
  if (last === stamp && complete) return
  await bundle({ chunksKeptMs: 3_600_000 })
  await writeFile(stampFile, stamp)
}

async function stampOfSources() {
  const hash = createHash('sha256')
  const visit = async (path) => {
    const entries = await readdir(path, { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const child = join(path, entry.name)
      if (entry.isDirectory()) await visit(child)
      else if (entry.name.endsWith('.ts')) await add(child)
    }
  }
  const add = async (path) => {
    const { mtimeMs, size } = await stat(path)
    hash.update(`${path} ${mtimeMs} ${size}\n`)
  }
  for (const folder of ['core', 'mesh', 'host']) await visit(join(root, folder))
  await add(join(root, 'package-lock.json'))
  await add(fileURLToPath(import.meta.url))
  return hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await bundle()
  for (const name of (await readdir(dist)).sort()) {
    const { size } = await stat(join(dist, name))
    console.error(`${String(Math.ceil(size / 1024)).padStart(6)} KB  dist/${name}`)
  }
}
