/**
 * From packages to one world (WIT.md, "Worlds" and "Elaborating"). What an exported interface uses comes from the
 * exported copy of the other interface where the world exports that too, else from the imported one.
 */
import { buildProblems } from '../problems.ts'
import type { Field, Interface, TypeBody, TypeDef, WitFunction, WitType, World } from './model.ts'
import { meaningOf, newScope, notThere, typeOf, type Meaning, type Scope } from './scope.ts'
import { namesIn } from './needed-names.ts'
import type {
  FieldSyntax,
  FunctionSyntax,
  InterfaceSyntax,
  PackageSyntax,
  PathSyntax,
  TypeBodySyntax,
  TypeSyntax,
  WorldItemSyntax,
  WorldSyntax,
} from './syntax.ts'

type Direction = Interface['direction']

/** Includes and uses deeper than this go round in circles. */
const maxNesting = 100

/** @throws ERR_WORLD for a name that nothing stands behind */
export function resolveWorld(packages: readonly PackageSyntax[], name: string): World {
  const main = packages.find((candidate) => candidate.worlds.has(name))
  const world = main?.worlds.get(name)
  if (main === undefined || world === undefined) {
    const known = packages.flatMap((candidate) => [...candidate.worlds.keys()])
    throw buildProblems.error('ERR_WORLD', `there is no world ${name} (there is: ${known.join(', ')})`)
  }
  return new Resolver(packages).resolve(main, world)
}

class Resolver {
  readonly #packages: readonly PackageSyntax[]
  readonly #scopes = new Map<string, Scope>()
  readonly #imports: Interface[] = []
  readonly #exports: Interface[] = []
  #exported: ReadonlySet<string> = new Set()
  #nesting = 0

  constructor(packages: readonly PackageSyntax[]) {
    this.#packages = packages
  }

  resolve(home: PackageSyntax, world: WorldSyntax): World {
    const parts = this.#partsOf(home, world, new Map())
    this.#exported = new Set(
      parts.flatMap(({ home, world }) =>
        world.exports.flatMap((item) => (item.kind === 'path' ? [this.#find(home, item.path).id] : [])),
      ),
    )
    const own = newScope('', 'import', world.docs)
    const ownExports = newScope('', 'export', world.docs)
    const seen = new Set<string>()
    for (const { home, world, renames } of parts) {
      const take = (direction: Direction, into: Scope, item: WorldItemSyntax): void => {
        const plain =
          item.kind === 'path' ? '' : item.kind === 'function' ? item.function.name : item.interface.name
        const name = renames.get(plain) ?? plain
        // An include may bring what is there already.
        if (name !== '' && seen.has(`${direction} ${name}`)) return
        seen.add(`${direction} ${name}`)
        if (item.kind === 'path') this.#interfaceAt(home, item.path, direction)
        else if (item.kind === 'function')
          into.interface.functions.push(this.#function({ ...item.function, name }, own))
        else this.#inline(home, item.interface, name, direction, own)
      }
      this.#fill(own, home, world)
      for (const item of world.imports) take('import', own, item)
      for (const item of world.exports) take('export', ownExports, item)
    }
    const hasOwn =
      own.interface.functions.length + own.interface.types.length + own.interface.aliases.length > 0
    return {
      name: world.name,
      docs: world.docs,
      imports: hasOwn ? [...this.#imports, own.interface] : this.#imports,
      exports:
        ownExports.interface.functions.length > 0 ? [...this.#exports, ownExports.interface] : this.#exports,
    }
  }

  /** The world and all that it includes, included ones first. */
  #partsOf(
    home: PackageSyntax,
    world: WorldSyntax,
    renames: ReadonlyMap<string, string>,
  ): { home: PackageSyntax; world: WorldSyntax; renames: ReadonlyMap<string, string> }[] {
    return this.#nested(() => [
      ...world.includes.flatMap((include) => {
        const found = this.#packageOf(home, include.path)
        const included = found.worlds.get(include.path.name)
        if (included === undefined) throw unknown('world', include.path)
        return this.#partsOf(found, included, include.renames)
      }),
      { home, world, renames },
    ])
  }

  #nested<T>(run: () => T): T {
    if (++this.#nesting > maxNesting) {
      throw buildProblems.error('ERR_WORLD', 'the WIT uses itself, or is nested deeper than 100')
    }
    const result = run()
    this.#nesting--
    return result
  }

  #packageOf(home: PackageSyntax, path: PathSyntax): PackageSyntax {
    if (path.package === null) return home
    const found = this.#packages.find(
      ({ name, version }) => name === path.package && (path.version === null || version === path.version),
    )
    if (found === undefined) throw unknown('package', path)
    return found
  }

  #find(home: PackageSyntax, path: PathSyntax): { id: string; home: PackageSyntax; syntax: InterfaceSyntax } {
    const alias = path.package === null ? home.aliases.get(path.name) : undefined
    if (alias !== undefined && !home.interfaces.has(path.name)) return this.#find(home, alias)
    const found = this.#packageOf(home, path)
    const syntax = found.interfaces.get(path.name)
    if (syntax === undefined) throw unknown('interface', path)
    const version = found.version === null ? '' : `@${found.version}`
    return { id: `${found.name}/${path.name}${version}`, home: found, syntax }
  }

  #interfaceAt(home: PackageSyntax, path: PathSyntax, direction: Direction): Scope {
    const found = this.#find(home, path)
    const key = `${direction} ${found.id}`
    const known = this.#scopes.get(key)
    if (known !== undefined) return known
    return this.#nested(() => {
      const scope = newScope(found.id, direction, found.syntax.docs)
      this.#fill(scope, found.home, found.syntax)
      for (const item of found.syntax.functions) scope.interface.functions.push(this.#function(item, scope))
      this.#scopes.set(key, scope)
      this.#listOf(direction).push(scope.interface)
      return scope
    })
  }

  /** An interface written inside the world; it sees no more than any other. */
  #inline(
    home: PackageSyntax,
    syntax: InterfaceSyntax,
    name: string,
    direction: Direction,
    own: Scope,
  ): void {
    const scope = newScope(name, direction, syntax.docs)
    for (const [name, meaning] of own.meanings) scope.meanings.set(name, meaning)
    this.#fill(scope, home, syntax)
    for (const item of syntax.functions) scope.interface.functions.push(this.#function(item, scope))
    this.#listOf(direction).push(scope.interface)
  }

  #listOf(direction: Direction): Interface[] {
    return direction === 'import' ? this.#imports : this.#exports
  }

  #fill(scope: Scope, home: PackageSyntax, from: InterfaceSyntax | WorldSyntax): void {
    for (const { from: path, names } of from.uses) {
      const wanted = this.#find(home, path)
      const isExported = scope.interface.direction === 'export' && this.#exported.has(wanted.id)
      const other = this.#interfaceAt(home, path, isExported ? 'export' : 'import')
      for (const { name, as } of names) {
        const meaning = other.meanings.get(name)
        if (meaning === undefined) throw unknown('type', { ...path, name: `${path.name}.${name}` })
        this.#alias(scope, as, '', meaning)
      }
    }
    // A type may be used before the line that defines it.
    let waiting = [...from.types]
    while (waiting.length > 0) {
      const later = waiting.filter((type) => {
        if (namesIn(type.body).some((name) => !scope.meanings.has(name))) return true
        this.#define(scope, type.name, type.docs, type.body)
        return false
      })
      if (later.length === waiting.length) {
        throw buildProblems.error(
          'ERR_WORLD',
          `the type ${later[0]?.name} in the WIT uses one that is not there`,
        )
      }
      waiting = later
    }
    for (const type of from.types) this.#fillResource(scope, type.name, type.body)
  }

  #define(scope: Scope, name: string, docs: string, body: TypeBodySyntax): void {
    if (scope.meanings.has(name)) return
    if (body.kind === 'alias') {
      const meaning =
        body.type.kind === 'name' ? meaningOf(scope, body.type.name) : { type: this.#type(body.type, scope) }
      this.#alias(scope, name, docs, meaning)
      return
    }
    const def: TypeDef = { name, docs, owner: scope.interface, body: this.#body(body, scope) }
    scope.interface.types.push(def)
    scope.meanings.set(
      name,
      body.kind === 'resource' ? { resource: def } : { type: { kind: 'defined', def } },
    )
  }

  #alias(scope: Scope, name: string, docs: string, meaning: Meaning): void {
    if (scope.meanings.has(name)) return
    scope.meanings.set(name, meaning)
    scope.interface.aliases.push({ name, docs, type: typeOf(meaning) })
  }

  #body(body: Exclude<TypeBodySyntax, { kind: 'alias' }>, scope: Scope): TypeBody {
    switch (body.kind) {
      case 'record':
        return { kind: 'record', fields: this.#fields(body.fields, scope) }
      case 'resource':
        return { kind: 'resource', functions: [] }
      default:
        return {
          kind: body.kind,
          cases: body.cases.map(({ name, docs, type }) => ({
            name,
            docs,
            type: type === null ? null : this.#type(type, scope),
          })),
        }
    }
  }

  /** A resource's functions may use any type of its interface, itself included: they come last. */
  #fillResource(scope: Scope, name: string, body: TypeBodySyntax): void {
    if (body.kind !== 'resource') return
    const meaning = meaningOf(scope, name)
    if (!('resource' in meaning) || meaning.resource.body.kind !== 'resource') return
    const { functions } = meaning.resource.body
    if (functions.length > 0) return
    for (const item of body.functions) (functions as WitFunction[]).push(this.#function(item, scope))
  }

  #function({ name, docs, kind, params, result }: FunctionSyntax, scope: Scope): WitFunction {
    return {
      name,
      docs,
      kind,
      params: this.#fields(params, scope),
      result: result === null ? null : this.#type(result, scope),
    }
  }

  #fields(fields: readonly FieldSyntax[], scope: Scope): Field[] {
    return fields.map(({ name, docs, type }) => ({ name, docs, type: this.#type(type, scope) }))
  }

  #type(type: TypeSyntax, scope: Scope): WitType {
    switch (type.kind) {
      case 'primitive':
        return type
      case 'list':
      case 'option':
        return { kind: type.kind, of: this.#type(type.of, scope) }
      case 'tuple':
        return { kind: 'tuple', of: type.of.map((item) => this.#type(item, scope)) }
      case 'result':
        return {
          kind: 'result',
          ok: type.ok === null ? null : this.#type(type.ok, scope),
          err: type.err === null ? null : this.#type(type.err, scope),
        }
      case 'name':
        return typeOf(meaningOf(scope, type.name))
      default: {
        const meaning = meaningOf(scope, type.name)
        if (!('resource' in meaning)) throw notThere(type.name)
        return { kind: type.kind, resource: meaning.resource }
      }
    }
  }
}

function unknown(what: string, path: PathSyntax): Error {
  const version = path.version === null ? '' : `@${path.version}`
  const id = path.package === null ? path.name : `${path.package}/${path.name}${version}`
  return buildProblems.error('ERR_WORLD', `the WIT names ${id}, but there is no such ${what}`, {
    hint: "put its package into the wit/deps folder beside the app's world",
  })
}
