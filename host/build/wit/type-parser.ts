/** The types of WIT, which nest: bounded in depth, because what is deeper would overflow a stack later on. */
import type { Cursor } from './cursor.ts'
import type { PrimitiveName, TypeSyntax } from './syntax.ts'

/** The component model's own validator allows no more than 100. */
const maxDepth = 100

const primitives: ReadonlySet<string> = new Set<PrimitiveName>([
  'bool',
  'u8',
  'u16',
  'u32',
  'u64',
  's8',
  's16',
  's32',
  's64',
  'f32',
  'f64',
  'char',
  'string',
])

export function parseType(cursor: Cursor, depth = 0): TypeSyntax {
  if (depth > maxDepth) throw cursor.unsupported(`types more than ${maxDepth} deep`)
  const word = cursor.peek().text
  if (primitives.has(word)) {
    cursor.next()
    return { kind: 'primitive', name: word as PrimitiveName }
  }
  if (word === 'list' || word === 'option') {
    cursor.next()
    cursor.expect('<')
    const of = parseType(cursor, depth + 1)
    if (cursor.is(',')) throw cursor.unsupported('a list of a fixed length')
    cursor.expect('>')
    return { kind: word, of }
  }
  if (word === 'own' || word === 'borrow') {
    cursor.next()
    cursor.expect('<')
    const name = cursor.name()
    cursor.expect('>')
    return { kind: word, name }
  }
  if (word === 'tuple') return parseTuple(cursor, depth)
  if (word === 'result') return parseResult(cursor, depth)
  if (/^(stream|future|error-context|map)$/.test(word)) throw cursor.unsupported(`a ${word}`)
  return { kind: 'name', name: cursor.name() }
}

function parseTuple(cursor: Cursor, depth: number): TypeSyntax {
  cursor.next()
  cursor.expect('<')
  const of: TypeSyntax[] = []
  while (!cursor.accept('>')) {
    of.push(parseType(cursor, depth + 1))
    if (!cursor.accept(',') && !cursor.is('>')) throw cursor.refuse('"," or ">"')
  }
  return { kind: 'tuple', of }
}

function parseResult(cursor: Cursor, depth: number): TypeSyntax {
  cursor.next()
  if (!cursor.accept('<')) return { kind: 'result', ok: null, err: null }
  const ok = cursor.accept('_') ? null : parseType(cursor, depth + 1)
  const err = cursor.accept(',') ? parseType(cursor, depth + 1) : null
  cursor.expect('>')
  return { kind: 'result', ok, err }
}
