/**
 * TypeScript to component: esbuild strips the types and makes one module of the app, and a JavaScript engine that
 * is WebAssembly itself runs the module's top level at build time; its memory afterwards is the component.
 *
 * Two engines. QuickJS is small, starts fast and is the default. StarlingMonkey (SpiderMonkey) has a dozen times
 * its size and brings the web's own interfaces (fetch, streams, timers) on top of wasi:http. See typescript-*.ts.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isSelvedgeError, messageOf } from '../../core/index.ts'
import type { BuildRequest, Language } from './language.ts'
import { buildProblems } from './problems.ts'
import { programFolder } from './program-folder.ts'
import { importTools } from './toolchain.ts'
import { bundle } from './typescript-bundle.ts'
import type { ScriptEngine } from './typescript-engine.ts'
import { quickjs } from './typescript-quickjs.ts'
import { starlingmonkey } from './typescript-starlingmonkey.ts'
import { worldTypes, writeTypes, type WorldExport } from './typescript-types.ts'
import { ownWitFolder, readWitSource, worldsOf } from './wit-source.ts'

const defaultSource = 'src/index.ts'
const engines: readonly ScriptEngine[] = [quickjs, starlingmonkey]

export const typescript: Language = {
  name: 'typescript',
  async build(request) {
    const scratch = await mkdtemp(join(tmpdir(), 'selvedge-build-'))
    try {
      return await buildIn(scratch, request)
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  },
}

async function buildIn(
  scratch: string,
  { folder, manifest, progress, signal }: BuildRequest,
): Promise<Uint8Array> {
  const root = programFolder()
  const { world, source = defaultSource } = manifest.component
  const engine = engines.find(({ name }) => name === manifest.component.engine) ?? quickjs
  const [esbuild, jco, ...engineTools] = await importTools(
    [
      { name: 'esbuild', entry: '.' },
      { name: '@bytecodealliance/jco-transpile', entry: '.' },
      ...engine.tools,
    ],
    [folder, root],
  )
  const own = await ownWitFolder(folder)
  const witSource = await readWitSource(...(own === null ? [] : [own]), join(root, 'wit'))
  refuseUnknownWorld(witSource, world)
  const witFile = join(scratch, 'world.wit')
  await writeFile(witFile, witSource)

  progress(`writing the types of world ${world} to build/types`)
  const types = await worldTypes(jco, witFile, world)
  // Before anything of the app is looked at: a first build that fails still leaves types to write it with.
  await writeTypes(join(folder, 'build', 'types'), types.files, engine)
  signal.throwIfAborted()

  progress(`bundling ${source}`)
  const { script, exports: scriptExports } = await bundle(esbuild, folder, source, manifest.app.name)
  const wanted = types.exports.filter(({ id }) => !engine.provides(id))
  refuseMissingExports(wanted, scriptExports, source, world)
  signal.throwIfAborted()

  progress(`making a component of world ${world} with ${engine.title}`)
  try {
    return await engine.build(engineTools, { script, scriptExports, witSource, witFile, world, types })
  } catch (error) {
    if (isSelvedgeError(error)) throw error
    throw buildProblems.error(
      'ERR_BUILD_FAILED',
      `${source} does not start in ${engine.title}: ${shown(error)}`,
      {
        hint: 'what stands at the top level of a module runs at build time: it must not throw, nor call an import',
        cause: error,
      },
    )
  }
}

/** Of an engine's report, what an error repeats. */
const shownLength = 4000

function shown(error: unknown): string {
  const text = messageOf(error).trim()
  return text.length > shownLength ? `${text.slice(0, shownLength)}\n…` : text
}

function refuseUnknownWorld(witSource: string, world: string): void {
  const worlds = worldsOf(witSource)
  if (worlds.includes(world)) return
  throw buildProblems.error('ERR_WORLD', `there is no world ${world} (there is: ${worlds.join(', ')})`)
}

function refuseMissingExports(
  wanted: readonly WorldExport[],
  present: readonly string[],
  source: string,
  world: string,
): void {
  const missing = wanted.filter(({ name }) => !present.includes(name))
  const [first] = missing
  if (first === undefined) return
  const list = missing.map(({ name }) => name).join(', ')
  throw buildProblems.error(
    'ERR_BUILD_FAILED',
    `${source} does not export ${list}, which world ${world} needs`,
    {
      hint: `export it from ${source}: export const ${first.name} = { … }; its type is in build/types, module '${first.id}'`,
    },
  )
}
