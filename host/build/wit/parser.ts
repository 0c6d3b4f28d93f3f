/**
 * The grammar of WIT (WIT.md of the Component Model), as a recursive descent over tokens. It reads what the
 * component tools have accepted already, so what it refuses is what no binding can be made of: async functions,
 * streams, futures, lists of a fixed length. Items behind an `@unstable` gate are left out, as the tools do.
 */
import { Cursor } from './cursor.ts'
import { tokensOf } from './lexer.ts'
import type {
  CaseSyntax,
  FieldSyntax,
  FunctionSyntax,
  InterfaceSyntax,
  PackageSyntax,
  PathSyntax,
  TypeBodySyntax,
  TypeDefSyntax,
  UseSyntax,
  WorldItemSyntax,
  WorldSyntax,
} from './syntax.ts'
import { parseType } from './type-parser.ts'

/** @throws ERR_WORLD with the line */
export function parseWit(text: string): PackageSyntax[] {
  const cursor = new Cursor(tokensOf(text))
  const packages: PackageSyntax[] = []
  let main = { name: 'root:root', version: null as string | null }
  const rest = emptyPackage()
  while (!cursor.is('')) {
    readGate(cursor)
    if (!cursor.accept('package')) {
      readPackageItem(cursor, rest)
      continue
    }
    const id = readPackageName(cursor)
    if (cursor.accept(';')) main = id
    else {
      const nested = emptyPackage()
      cursor.expect('{')
      while (!cursor.accept('}')) readPackageItem(cursor, nested)
      packages.push({ ...id, ...nested })
    }
  }
  return [{ ...main, ...rest }, ...packages]
}

interface PackageBody {
  readonly interfaces: Map<string, InterfaceSyntax>
  readonly worlds: Map<string, WorldSyntax>
  readonly aliases: Map<string, PathSyntax>
}

function emptyPackage(): PackageBody {
  return { interfaces: new Map(), worlds: new Map(), aliases: new Map() }
}

function readPackageItem(cursor: Cursor, into: PackageBody): void {
  const { docs } = cursor.peek()
  const isKept = readGate(cursor)
  if (cursor.accept('use')) {
    const path = readPath(cursor)
    into.aliases.set(cursor.accept('as') ? cursor.name() : path.name, path)
    cursor.expect(';')
  } else if (cursor.accept('interface')) {
    const found = readInterface(cursor, cursor.name(), docs)
    if (isKept) into.interfaces.set(found.name, found)
  } else if (cursor.accept('world')) {
    const found = readWorld(cursor, cursor.name(), docs)
    if (isKept) into.worlds.set(found.name, found)
  } else throw cursor.refuse('use, interface or world')
}

/** @returns false where the item behind the gate is to be left out */
function readGate(cursor: Cursor): boolean {
  let isKept = true
  while (cursor.accept('@')) {
    if (cursor.name() === 'unstable') isKept = false
    cursor.expect('(')
    while (!cursor.accept(')')) {
      if (cursor.is('')) throw cursor.refuse('")"')
      cursor.next()
    }
  }
  return isKept
}

function readPackageName(cursor: Cursor): { name: string; version: string | null } {
  const namespace = cursor.name()
  cursor.expect(':')
  return { name: `${namespace}:${cursor.name()}`, version: cursor.accept('@') ? cursor.next().text : null }
}

function readPath(cursor: Cursor): PathSyntax {
  const first = cursor.name()
  if (!cursor.accept(':')) return { package: null, version: null, name: first }
  const name = cursor.name()
  cursor.expect('/')
  const item = cursor.name()
  // The `.` of `use a:b/c@1.0.0.{d}` sticks to the version.
  const version = cursor.accept('@') ? cursor.next().text.replace(/\.$/, '') : null
  return { package: `${first}:${name}`, version, name: item }
}

function readUse(cursor: Cursor): UseSyntax {
  const from = readPath(cursor)
  cursor.accept('.')
  cursor.expect('{')
  const names = listUntil(cursor, '}', () => {
    const name = cursor.name()
    return { name, as: cursor.accept('as') ? cursor.name() : name }
  })
  cursor.expect(';')
  return { from, names }
}

function readInterface(cursor: Cursor, name: string, docs: string): InterfaceSyntax {
  const uses: UseSyntax[] = []
  const types: TypeDefSyntax[] = []
  const functions: FunctionSyntax[] = []
  cursor.expect('{')
  while (!cursor.accept('}')) {
    const about = cursor.peek().docs
    const isKept = readGate(cursor)
    if (cursor.accept('use')) {
      const found = readUse(cursor)
      if (isKept) uses.push(found)
      continue
    }
    const type = readTypeDef(cursor, about)
    if (type !== null) {
      if (isKept) types.push(type)
      continue
    }
    const found = readNamedFunction(cursor, about)
    if (isKept) functions.push(found)
  }
  return { name, docs, uses, types, functions }
}

function readWorld(cursor: Cursor, name: string, docs: string): WorldSyntax {
  const world = {
    name,
    docs,
    uses: [] as UseSyntax[],
    types: [] as TypeDefSyntax[],
    imports: [] as WorldItemSyntax[],
    exports: [] as WorldItemSyntax[],
    includes: [] as { path: PathSyntax; renames: Map<string, string> }[],
  }
  cursor.expect('{')
  while (!cursor.accept('}')) {
    const about = cursor.peek().docs
    const isKept = readGate(cursor)
    const keep = <T>(list: T[], item: T): void => void (isKept && list.push(item))
    if (cursor.accept('use')) keep(world.uses, readUse(cursor))
    else if (cursor.accept('import')) keep(world.imports, readWorldItem(cursor, about))
    else if (cursor.accept('export')) keep(world.exports, readWorldItem(cursor, about))
    else if (cursor.accept('include')) keep(world.includes, readInclude(cursor))
    else {
      const type = readTypeDef(cursor, about)
      if (type === null) throw cursor.refuse('import, export, include, use or a type')
      keep(world.types, type)
    }
  }
  return world
}

function readInclude(cursor: Cursor): { path: PathSyntax; renames: Map<string, string> } {
  const path = readPath(cursor)
  const renames = new Map<string, string>()
  if (cursor.accept('with')) {
    cursor.expect('{')
    listUntil(cursor, '}', () => {
      const name = cursor.name()
      cursor.expect('as')
      renames.set(name, cursor.name())
    })
    cursor.accept(';')
  } else cursor.expect(';')
  return { path, renames }
}

function readWorldItem(cursor: Cursor, docs: string): WorldItemSyntax {
  const isNamed = cursor.peek(1).text === ':' && /^(func|async|interface)$/.test(cursor.peek(2).text)
  if (!isNamed) {
    const path = readPath(cursor)
    cursor.expect(';')
    return { kind: 'path', path }
  }
  if (cursor.peek(2).text !== 'interface')
    return { kind: 'function', function: readNamedFunction(cursor, docs) }
  const name = cursor.name()
  cursor.expect(':')
  cursor.expect('interface')
  const found = readInterface(cursor, name, docs)
  cursor.accept(';')
  return { kind: 'interface', interface: found }
}

function readNamedFunction(cursor: Cursor, docs: string): FunctionSyntax {
  const name = cursor.name()
  cursor.expect(':')
  const kind = cursor.accept('static') ? 'static' : 'free'
  if (cursor.is('async')) throw cursor.unsupported('an async function')
  cursor.expect('func')
  return readSignature(cursor, name, docs, kind)
}

function readSignature(
  cursor: Cursor,
  name: string,
  docs: string,
  kind: FunctionSyntax['kind'],
): FunctionSyntax {
  cursor.expect('(')
  const params = listUntil(cursor, ')', () => readField(cursor))
  const result = cursor.accept('->') ? parseType(cursor) : null
  cursor.expect(';')
  return { name, docs, kind, params, result }
}

function readField(cursor: Cursor): FieldSyntax {
  const { docs } = cursor.peek()
  const name = cursor.name()
  cursor.expect(':')
  return { name, docs, type: parseType(cursor) }
}

/** @returns null where something other than a type begins */
function readTypeDef(cursor: Cursor, docs: string): TypeDefSyntax | null {
  const keyword = cursor.peek().text
  if (!/^(type|record|variant|enum|flags|resource)$/.test(keyword)) return null
  cursor.next()
  const name = cursor.name()
  const body = readTypeBody(cursor, keyword)
  // Not every version of the grammar wants one behind a block.
  cursor.accept(';')
  return { name, docs, body }
}

function readTypeBody(cursor: Cursor, keyword: string): TypeBodySyntax {
  if (keyword === 'type') {
    cursor.expect('=')
    return { kind: 'alias', type: parseType(cursor) }
  }
  if (keyword === 'resource' && !cursor.is('{')) return { kind: 'resource', functions: [] }
  cursor.expect('{')
  if (keyword === 'record') return { kind: 'record', fields: listUntil(cursor, '}', () => readField(cursor)) }
  if (keyword !== 'resource') {
    const cases = listUntil(cursor, '}', () => readCase(cursor))
    return { kind: keyword === 'variant' ? 'variant' : keyword === 'enum' ? 'enum' : 'flags', cases }
  }
  const functions: FunctionSyntax[] = []
  while (!cursor.accept('}')) {
    const { docs } = cursor.peek()
    const isKept = readGate(cursor)
    const found = cursor.accept('constructor')
      ? readSignature(cursor, 'constructor', docs, 'constructor')
      : readNamedFunction(cursor, docs)
    if (isKept) functions.push(found.kind === 'free' ? { ...found, kind: 'method' } : found)
  }
  return { kind: 'resource', functions }
}

function readCase(cursor: Cursor): CaseSyntax {
  const { docs } = cursor.peek()
  const name = cursor.name()
  if (!cursor.accept('(')) return { name, docs, type: null }
  const type = parseType(cursor)
  cursor.expect(')')
  return { name, docs, type }
}

/** Items with commas between them, and perhaps one behind the last. */
function listUntil<T>(cursor: Cursor, end: string, readItem: () => T): T[] {
  const items: T[] = []
  while (!cursor.accept(end)) {
    items.push(readItem())
    if (!cursor.accept(',') && !cursor.is(end)) throw cursor.refuse(`"," or "${end}"`)
  }
  return items
}
