import type { TypeBodySyntax, TypeSyntax } from './syntax.ts'

/** The names that a definition needs before it; a resource needs none, its functions come later. */
export function namesIn(body: TypeBodySyntax): string[] {
  if (body.kind === 'alias') return namesOfType(body.type)
  if (body.kind === 'record') return body.fields.flatMap(({ type }) => namesOfType(type))
  if (body.kind === 'resource') return []
  return body.cases.flatMap(({ type }) => (type === null ? [] : namesOfType(type)))
}

function namesOfType(type: TypeSyntax): string[] {
  switch (type.kind) {
    case 'primitive':
      return []
    case 'list':
    case 'option':
      return namesOfType(type.of)
    case 'tuple':
      return type.of.flatMap(namesOfType)
    case 'result':
      return [type.ok, type.err].flatMap((side) => (side === null ? [] : namesOfType(side)))
    default:
      return [type.name]
  }
}
