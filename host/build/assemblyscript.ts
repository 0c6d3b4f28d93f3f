/**
 * AssemblyScript to component, with npm packages alone: bindings are generated from the world, asc compiles them with
 * the app into a core module, its exports get the names that the component model wants, the world is embedded, and
 * the component tools wrap it. Nothing in the result depends on when or where it was built.
 */
import { dirname, join } from 'node:path'
import { messageOf } from '../../core/index.ts'
import type { Bindings, WantedExport } from './bindings/index.ts'
import { prepareBindings, type PreparedBindings } from './app-bindings.ts'
import type { Language } from './language.ts'
import { buildProblems } from './problems.ts'
import { programFolder } from './program-folder.ts'
import { importTools } from './toolchain.ts'

/** Of the compiler's output, what an error repeats. */
const shownLength = 6000

export const assemblyscript: Language = {
  name: 'assemblyscript',

  async bindings(folder, manifest) {
    const { entry, bindings } = await prepareBindings(folder, manifest)
    return {
      folder: dirname(join(folder, entry)),
      world: manifest.component.world,
      files: [...bindings.files.keys()].sort(),
    }
  },

  async build({ folder, manifest, progress, signal, features = [] }) {
    const [ascModule, binaryenModule, componentTools] = await importTools(
      [
        { name: 'assemblyscript', entry: './asc' },
        // asc's own binaryen, which is loaded anyway.
        { name: 'assemblyscript', entry: './binaryen' },
        { name: '@bytecodealliance/jco-transpile', entry: './wasm-tools' },
      ],
      [folder, programFolder()],
    )
    const { default: binaryen } = binaryenModule as { default: Binaryen }
    const tools = componentTools as ComponentTools

    const { world } = manifest.component
    progress(`writing bindings for world ${world}`)
    const prepared = await prepareBindings(folder, manifest)
    progress(`compiling ${prepared.source}`)
    const compiled = await compile(
      (ascModule as { default: Asc }).default,
      folder,
      prepared,
      manifest.app.name,
      features,
    )
    signal.throwIfAborted()

    progress(`making a component of world ${world}`)
    const binary = renameExports(binaryen, compiled, prepared.bindings)
    signal.throwIfAborted()
    try {
      const { witSource } = prepared
      return await tools.componentNew(
        await tools.componentEmbed({ binary, witSource, world, stringEncoding: 'utf8' }),
      )
    } catch (error) {
      throw buildProblems.error(
        'ERR_BUILD_FAILED',
        `${prepared.source} does not become a component of world ${world}: ${messageOf(error)}`,
        { hint: 'check the WIT of that world with the message above', cause: error },
      )
    }
  },
}

async function compile(
  asc: Asc,
  folder: string,
  prepared: PreparedBindings,
  app: string,
  features: readonly string[],
): Promise<Uint8Array> {
  const written = new Map<string, Uint8Array | string>()
  const outFile = 'out.wasm'
  const enabled = features.flatMap((feature) => ['--enable', feature])
  // Everything else (optimisation, runtime) is the app's own choice, in its asconfig.json. Without an abort
  // function a failed assertion traps; a host function for it would be an import that no world has.
  const { error, stderr } = await asc.main(
    [prepared.entry, '--baseDir', folder, '--outFile', outFile, '--use', 'abort=', '--noColors', ...enabled],
    { writeFile: (name, contents) => void written.set(name, contents) },
  )
  const binary = written.get(outFile)
  if (error === null && binary instanceof Uint8Array) return binary
  const said = readable(stderr.toString()) || messageOf(error)
  const lacking = lackingExports(said, prepared)
  throw buildProblems.error('ERR_BUILD_FAILED', `${app} does not compile:\n${said}`, {
    cause: error,
    ...(lacking.length === 0 ? {} : { hint: whatToExport(prepared.source, lacking) }),
  })
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

/** The exports of the world whose glue an error is in: the app lacks them, or has them with other types. */
function lackingExports(said: string, { entry, bindings }: PreparedBindings): WantedExport[] {
  const lines = said.split('\n').flatMap((line) => {
    const place = line.includes(`${entry}:`) ? line.slice(line.indexOf(`${entry}:`) + entry.length + 1) : ''
    return place === '' ? [] : [Number.parseInt(place, 10)]
  })
  // At the top of the file are the imports: what is missing as a whole is wanted by name.
  const missing = new Set([...said.matchAll(/has no exported member '([^']+)'/g)].map((match) => match[1]))
  return bindings.wanted.filter(
    ({ firstLine, lastLine, container, name }) =>
      lines.some((line) => firstLine <= line && line <= lastLine) ||
      missing.has(container === '' ? name : container),
  )
}

function whatToExport(source: string, lacking: readonly WantedExport[]): string {
  const containers = new Map<string, string[]>()
  for (const { container, signature } of lacking) {
    containers.set(container, [...(containers.get(container) ?? []), signature])
  }
  const texts = [...containers].map(([container, signatures]) =>
    container === ''
      ? signatures.join('\n')
      : [`export namespace ${container} {`, ...signatures.map((line) => `  ${line}`), '}'].join('\n'),
  )
  return `${source} has to export, with these types:\n${texts.join('\n')}`
}

/** @throws ERR_BUILD_FAILED where the compiler left out what the world needs */
function renameExports(binaryen: Binaryen, binary: Uint8Array, { exports }: Bindings): Uint8Array {
  const module = binaryen.readBinary(binary)
  try {
    const present = new Map<string, ExportInfo>()
    for (let index = 0; index < module.getNumExports(); index++) {
      const info = binaryen.getExportInfo(module.getExportByIndex(index))
      present.set(info.name, info)
    }
    for (const { source, canonical } of exports) {
      const info = present.get(source)
      if (info === undefined) {
        throw buildProblems.error('ERR_BUILD_FAILED', `the compiled module has no ${source} (${canonical})`, {
          hint: 'look in asconfig.json for an option that takes exports or the memory away',
        })
      }
      module.removeExport(info.name)
      if (info.kind === binaryen.ExternalMemory) module.addMemoryExport(info.value, canonical)
      else module.addFunctionExport(info.value, canonical)
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
    binary: Uint8Array
    witSource: string
    world: string
    stringEncoding: 'utf8'
  }): Promise<Uint8Array>
  componentNew(binary: Uint8Array): Promise<Uint8Array>
}
