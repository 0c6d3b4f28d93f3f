/**
 * AssemblyScript to component, with npm packages alone: asc compiles a core module, its exports get the names that
 * the component model wants, the world is embedded, and the component tools wrap it. Nothing in the result depends
 * on when or where it was built.
 */
import { join } from 'node:path'
import { messageOf } from '../../core/index.ts'
import { exportNames, type ExportName } from './export-names.ts'
import type { Language } from './language.ts'
import { buildProblems } from './problems.ts'
import { programFolder } from './program-folder.ts'
import { importTools } from './toolchain.ts'
import { readWitSource, worldsOf } from './wit-source.ts'

const defaultSource = 'assembly/index.ts'
/** Of the compiler's output, what an error repeats. */
const shownLength = 6000

export const assemblyscript: Language = {
  name: 'assemblyscript',
  async build({ folder, manifest, progress, signal }) {
    const root = programFolder()
    const [ascModule, binaryenModule, componentTools] = await importTools(
      [
        { name: 'assemblyscript', entry: './asc' },
        // asc's own binaryen, which is loaded anyway.
        { name: 'assemblyscript', entry: './binaryen' },
        { name: '@bytecodealliance/jco-transpile', entry: './wasm-tools' },
      ],
      [folder, root],
    )
    const { default: binaryen } = binaryenModule as { default: Binaryen }
    const tools = componentTools as ComponentTools

    const source = manifest.component.source ?? defaultSource
    progress(`compiling ${source}`)
    const compiled = await compile((ascModule as { default: Asc }).default, folder, source, manifest.app.name)
    signal.throwIfAborted()

    const { world } = manifest.component
    progress(`making a component of world ${world}`)
    const witSource = await readWitSource(join(root, 'wit'))
    const names = await exportsOfWorld(tools, witSource, world)
    const binary = renameExports(binaryen, compiled, names, source, world)
    signal.throwIfAborted()
    try {
      return await tools.componentNew(await tools.componentEmbed({ binary, witSource, world }))
    } catch (error) {
      throw buildProblems.error(
        'ERR_BUILD_FAILED',
        `${source} does not fit world ${world}: ${messageOf(error)}`,
        {
          hint: 'compare the signatures of its imports and exports with the WIT of that world',
          cause: error,
        },
      )
    }
  },
}

async function compile(asc: Asc, folder: string, source: string, app: string): Promise<Uint8Array> {
  const written = new Map<string, Uint8Array | string>()
  const outFile = 'out.wasm'
  // Everything else (optimisation, runtime) is the app's own choice, in its asconfig.json. Without an abort
  // function a failed assertion traps; a host function for it would be an import that no world has.
  const { error, stderr } = await asc.main(
    [source, '--baseDir', folder, '--outFile', outFile, '--use', 'abort=', '--noColors'],
    { writeFile: (name, contents) => void written.set(name, contents) },
  )
  const binary = written.get(outFile)
  if (error === null && binary instanceof Uint8Array) return binary
  const said = readable(stderr.toString()) || messageOf(error)
  throw buildProblems.error('ERR_BUILD_FAILED', `${app} does not compile:\n${said}`, { cause: error })
}

/** asc's report with places as editors and terminals know them: `assembly/rule.ts:3:10`. */
function readable(report: string): string {
  const lines = report
    .replace(/\(([0-9]+),([0-9]+)\)/g, ':$1:$2')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^(FAILURE|Last converge)/.test(line))
  const text = lines.join('\n').trimEnd()
  return text.length > shownLength ? `${text.slice(0, shownLength)}\n…` : text
}

async function exportsOfWorld(
  tools: ComponentTools,
  witSource: string,
  world: string,
): Promise<ExportName[]> {
  const worlds = worldsOf(witSource)
  if (!worlds.includes(world)) {
    throw buildProblems.error('ERR_WORLD', `there is no world ${world} (there is: ${worlds.join(', ')})`)
  }
  const dummy = await tools.componentEmbed({ dummy: true, witSource, world })
  const module = await WebAssembly.compile(dummy as Uint8Array<ArrayBuffer>)
  return exportNames(WebAssembly.Module.exports(module).map(({ name }) => name))
}

/** @throws ERR_BUILD_FAILED naming every function that the world wants and the module lacks */
function renameExports(
  binaryen: Binaryen,
  binary: Uint8Array,
  names: readonly ExportName[],
  source: string,
  world: string,
): Uint8Array {
  const module = binaryen.readBinary(binary)
  try {
    const present = new Map<string, ExportInfo>()
    for (let index = 0; index < module.getNumExports(); index++) {
      const info = binaryen.getExportInfo(module.getExportByIndex(index))
      present.set(info.name, info)
    }
    const missing = names.filter((name) => name.required && !present.has(name.source))
    if (missing.length > 0) {
      const list = missing.map((name) => name.source).join(', ')
      throw buildProblems.error(
        'ERR_BUILD_FAILED',
        `${source} does not export ${list}, which world ${world} needs`,
        {
          hint: `export it from ${source}: export { ${list} } from './…'`,
        },
      )
    }
    for (const name of names) {
      const info = present.get(name.source)
      if (info === undefined) continue
      module.removeExport(info.name)
      if (info.kind === binaryen.ExternalMemory) module.addMemoryExport(info.value, name.canonical)
      else module.addFunctionExport(info.value, name.canonical)
    }
    return module.emitBinary()
  } finally {
    module.dispose()
  }
}

// What we use of the tools. They are imported at run time from wherever they are installed, so their own types
// are not there to build against.

interface Asc {
  main(
    args: string[],
    api: { writeFile(name: string, contents: Uint8Array | string): void },
  ): Promise<{ error: Error | null; stderr: { toString(): string } }>
}

interface ExportInfo {
  readonly kind: number
  readonly name: string
  /** What is exported, by its internal name. */
  readonly value: string
}

interface Binaryen {
  readonly ExternalMemory: number
  readBinary(bytes: Uint8Array): {
    getNumExports(): number
    getExportByIndex(index: number): number
    removeExport(name: string): void
    addFunctionExport(internal: string, external: string): void
    addMemoryExport(internal: string, external: string): void
    emitBinary(): Uint8Array
    dispose(): void
  }
  getExportInfo(ref: number): ExportInfo
}

interface ComponentTools {
  componentEmbed(options: {
    binary?: Uint8Array
    dummy?: boolean
    witSource: string
    world: string
  }): Promise<Uint8Array>
  componentNew(binary: Uint8Array): Promise<Uint8Array>
}
