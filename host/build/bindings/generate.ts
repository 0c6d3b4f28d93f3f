/**
 * A world's bindings as AssemblyScript files: one per interface for the author, `values` for results and options,
 * and three that only the compiler reads: `memory` (the library), `canonical` (values across the border) and
 * `exports` (the glue, which is what is compiled). Pure: the world in, texts out.
 */
import {
  exportOf,
  functionName,
  interfaceName,
  memoryExport,
  reallocExport,
  type Interface,
  type TypeDef,
  type WitFunction,
  type World,
} from '../wit/index.ts'
import { Canonical } from './canonical.ts'
import { declareAliases, declaredNames, declareType } from './declarations.ts'
import { addImports, exportedFunction, signatureOf } from './functions.ts'
import { capital, exportedName, fileName, memberName, typeName, valueName } from './names.ts'
import { addOfferedResource } from './offered-resource.ts'
import { memorySource, valuesSource } from './memory-source.ts'
import { generatedMark, SourceFile } from './source-file.ts'

/** What one stretch of the glue calls: for messages about what the app lacks. */
export interface WantedExport {
  /** Lines of `exports.ts`, from 1, both included. */
  readonly firstLine: number
  readonly lastLine: number
  /** The namespace that the app exports it in, `sensorHandler`; empty for functions of the world itself. */
  readonly container: string
  /** What it is called there. */
  readonly name: string
  /** `export function handle(event: SensorEvent): Result<Unit, string>`. */
  readonly signature: string
}

export interface Bindings {
  /** By file name, with its ending. */
  readonly files: ReadonlyMap<string, string>
  /** The glue's exports, and what the component model calls them. */
  readonly exports: readonly { readonly source: string; readonly canonical: string }[]
  readonly wanted: readonly WantedExport[]
}

/**
 * @param app the app's main module, as an import from the folder of the bindings: `../index`
 */
export function generateBindings(world: World, app: string): Bindings {
  const fileOf = fileNames(world)
  const canonicalFile = new SourceFile('canonical', fileOf)
  const canonical = new Canonical(canonicalFile, uniqueNames(world, fileOf))
  const files = new Map<string, string>()
  for (const owner of [...world.imports, ...world.exports]) {
    if (owner.direction === 'export' && owner.id === '') continue
    const file = new SourceFile(fileOf(owner), fileOf, ownNames(owner))
    if (owner.direction === 'import') addImports(file, canonical, owner)
    else {
      for (const def of owner.types) {
        if (def.body.kind !== 'resource') declareType(file, def)
        else addOfferedResource(file, canonical, def, canonical.uniqueName(def))
      }
    }
    declareAliases(file, owner)
    const about = `${owner.direction === 'import' ? 'Imported' : 'To be exported'}: ${owner.id === '' ? `world ${world.name}` : owner.id}`
    files.set(`${file.name}.ts`, file.finish(owner.docs === '' ? about : `${about}\n\n${owner.docs}`).text)
  }
  const glue = new Glue(canonical, fileOf, app)
  for (const owner of world.exports) glue.add(owner)
  const { text, firstLine } = glue.file.finish(`What the component exports, each handed on to ${app}.ts.`)
  files.set('exports.ts', text)
  files.set('canonical.ts', canonicalFile.finish('Values across the border, by the canonical ABI.').text)
  files.set('memory.ts', `${generatedMark}\n${memorySource}`)
  files.set('values.ts', `${generatedMark}\n${valuesSource}${tuples(widestTuple(files.values()))}`)
  return {
    files,
    exports: [
      { source: 'memory', canonical: memoryExport },
      { source: 'cabi_realloc', canonical: reallocExport },
      ...glue.exports,
    ],
    wanted: glue.wanted.map((one) => ({
      ...one,
      firstLine: one.firstLine + firstLine - 1,
      lastLine: one.lastLine + firstLine - 1,
    })),
  }
}

class Glue {
  readonly file: SourceFile
  readonly exports: { source: string; canonical: string }[] = []
  readonly wanted: WantedExport[] = []
  readonly #canonical: Canonical
  readonly #app: string

  constructor(canonical: Canonical, fileOf: (owner: Interface) => string, app: string) {
    this.file = new SourceFile('exports', fileOf)
    this.#canonical = canonical
    this.#app = app
    this.file.add(`export { cabi_realloc } from './memory'`, '')
  }

  add(owner: Interface): void {
    const container = owner.id === '' ? '' : exportedName(interfaceName(owner.id))
    for (const fn of owner.functions) {
      const member = exportedName(fn.name)
      this.#function(owner, container, null, fn, (args) => {
        const target =
          container === '' ? this.file.use(this.#app, member) : `${this.#namespace(container)}.${member}`
        return `${target}(${args.join(', ')})`
      })
    }
    for (const def of owner.types) {
      if (def.body.kind !== 'resource') continue
      for (const fn of def.body.functions) {
        this.#function(owner, container, def, fn, (args) => {
          const target = `${this.#namespace(container)}.${typeName(def.name)}`
          if (fn.kind === 'constructor') return `new ${target}(${args.join(', ')})`
          const on = fn.kind === 'static' ? target : (args[0] ?? '')
          return `${on}.${memberName(fn.name)}(${args.slice(fn.kind === 'static' ? 0 : 1).join(', ')})`
        })
      }
      const name = `_e${this.exports.length}`
      this.exports.push({ source: name, canonical: exportOf(owner, `${def.name}_dtor`) })
      this.file.add(
        `export function ${name}(at: usize): void {`,
        `  ${this.file.memory('withdraw')}(at)`,
        '}',
        '',
      )
    }
  }

  #namespace(container: string): string {
    return this.file.use(this.#app, container)
  }

  #function(
    owner: Interface,
    container: string,
    resource: TypeDef | null,
    fn: WitFunction,
    call: (args: readonly string[]) => string,
  ): void {
    const name = `_e${this.exports.length}`
    const canonicalName = exportOf(owner, functionName(fn, resource))
    const { lines, hasPost } = exportedFunction(this.file, this.#canonical, name, resource, fn, call)
    const firstLine = this.file.length + 1
    this.file.add(...lines)
    const inside =
      resource === null ? '' : `export class ${typeName(resource.name)} { ${signatureOf(this.file, fn)} }`
    this.wanted.push({
      firstLine,
      lastLine: this.file.length,
      container,
      name: resource === null ? exportedName(fn.name) : typeName(resource.name),
      signature: inside === '' ? signatureOf(this.file, fn) : inside,
    })
    this.exports.push({ source: name, canonical: canonicalName })
    if (hasPost) this.exports.push({ source: `${name}_post`, canonical: `${canonicalName}_post` })
  }
}

/** One file for each interface; a copy that is exported beside an import, or another version, is told apart. */
function fileNames(world: World): (owner: Interface) => string {
  const names = new Map<Interface, string>()
  const taken = new Set(['memory', 'canonical', 'values', 'exports'])
  for (const owner of [...world.imports, ...world.exports]) {
    const plain = fileName(owner.id)
    const version = /@(.*)$/.exec(owner.id)?.[1]?.replace(/[^A-Za-z0-9]+/g, '-') ?? ''
    const candidates = [plain, `${plain}-${owner.direction}`, `${plain}-${owner.direction}-${version}`]
    const name = candidates.find((candidate) => !taken.has(candidate)) ?? `${plain}-${names.size}`
    taken.add(name)
    names.set(owner, name)
  }
  return (owner) => names.get(owner) ?? fileName(owner.id)
}

/** A name for each defined type that no other type of the world has. */
function uniqueNames(world: World, fileOf: (owner: Interface) => string): Map<TypeDef, string> {
  const names = new Map<TypeDef, string>()
  const taken = new Set<string>()
  for (const def of [...world.imports, ...world.exports].flatMap((owner) => owner.types)) {
    const plain = typeName(def.name)
    const long = fileOf(def.owner).split('-').map(capital).join('') + plain
    const name = taken.has(plain) ? (taken.has(long) ? `${long}${names.size}` : long) : plain
    taken.add(name)
    names.set(def, name)
  }
  return names
}

function ownNames(owner: Interface): string[] {
  return [...declaredNames(owner), ...owner.functions.map((fn) => valueName(fn.name))]
}

function widestTuple(texts: Iterable<string>): number {
  const widths = [...texts].flatMap((text) =>
    [...text.matchAll(/\bTuple(\d+)\b/g)].map((match) => Number(match[1])),
  )
  return Math.max(2, ...widths)
}

function tuples(widest: number): string {
  return Array.from({ length: widest }, (_, index) => {
    const letters = Array.from({ length: index + 1 }, (_, at) => at)
    const types = letters.map((at) => `T${at}`).join(', ')
    const fields = letters.map((at) => `public v${at}: T${at}`).join(', ')
    return `\nexport class Tuple${index + 1}<${types}> {\n  constructor(${fields}) {}\n}\n`
  }).join('')
}
