/**
 * TypeScript to component: esbuild strips the types and makes one module of the app, and a JavaScript engine that
 * is WebAssembly itself runs the module's top level at build time; its memory afterwards is the component.
 *
 * Two engines. QuickJS is small, starts fast and is the default. StarlingMonkey (SpiderMonkey) has a dozen times
 * its size and brings the web's own interfaces (fetch, streams, timers) on top of wasi:http. See typescript-*.ts.
 */
import { join } from 'node:path'
import { messageOf } from '../../core/index.ts'
import type { Language } from './language.ts'
import { buildProblems } from './problems.ts'
import { programFolder } from './program-folder.ts'
import { importTools } from './toolchain.ts'
import { bundle } from './typescript-bundle.ts'
import type { ScriptEngine } from './typescript-engine.ts'
import { quickjs } from './typescript-quickjs.ts'
import { starlingmonkey } from './typescript-starlingmonkey.ts'
import { worldTypes, writeTypes, type WorldExport } from './typescript-types.ts'
import { readWitSource, worldsOf } from './wit-source.ts'

const defaultSource = 'src/index.ts'
const engines: readonly ScriptEngine[] = [quickjs, starlingmonkey]

export const typescript: Language = {
  name: 'typescript',
  async build({ folder, manifest, progress, signal }) {
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
    const witFolder = join(root, 'wit')
    await refuseUnknownWorld(witFolder, world)

    progress(`writing the types of world ${world} to build/types`)
    const types = await worldTypes(jco, witFolder, world)
    // Before anything of the app is looked at: a first build that fails still leaves types to write it with.
    await writeTypes(join(folder, 'build', 'types'), types.files, engine)
    signal.throwIfAborted()

    progress(`bundling ${source}`)
    const bundled = await bundle(esbuild, folder, source, manifest.app.name)
    refuseMissingExports(
      types.exports.filter(({ id }) => !engine.provides(id)),
      bundled.exports,
      source,
      world,
    )
    signal.throwIfAborted()

    progress(`making a component of world ${world} with ${engine.title}`)
    try {
      return await engine.build(engineTools, { script: bundled.script, witFolder, world, types })
    } catch (error) {
      throw buildProblems.error(
        'ERR_BUILD_FAILED',
        `${source} does not start in ${engine.title}: ${shown(error)}`,
        {
          hint: 'what stands at the top level of a module runs at build time: it must not throw, nor call an import',
          cause: error,
        },
      )
    }
  },
}

/** Of an engine's report, what an error repeats. */
const shownLength = 4000

function shown(error: unknown): string {
  const text = messageOf(error).trim()
  return text.length > shownLength ? `${text.slice(0, shownLength)}\n…` : text
}

async function refuseUnknownWorld(witFolder: string, world: string): Promise<void> {
  const worlds = worldsOf(await readWitSource(witFolder))
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
