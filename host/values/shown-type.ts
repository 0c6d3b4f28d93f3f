/** Types as people read them, as WIT writes them; those of records and variants without their names, which a component does not keep. */
import type { Signature, WitShape } from '../engine/index.ts'

/** A component may nest its types as far as it likes. */
const shownDepth = 4
const maxShown = 12

/** `func(lux: f64, unit: string) -> result<f64, string>` */
export function shownFunction({ parameters, result }: Signature): string {
  return `func(${shownMembers(parameters)})${result === null ? '' : ` -> ${shownType(result)}`}`
}

/** `name: type, …` */
export function shownMembers(
  members: readonly { readonly name: string; readonly type: WitShape | null }[],
  depth = 0,
): string {
  return listed(
    members.map(({ name, type }) => (type === null ? name : `${name}: ${shownType(type, depth)}`)),
  )
}

export function shownType(type: WitShape | null, depth = 0): string {
  if (type === null) return '_'
  if (depth > shownDepth) return '…'
  const inner = (item: WitShape | null): string => shownType(item, depth + 1)
  switch (type.kind) {
    case 'list':
    case 'option':
      return `${type.kind}<${inner(type.item)}>`
    case 'tuple':
      return `tuple<${listed(type.items.map(inner))}>`
    case 'result':
      return type.ok === null && type.err === null ? 'result' : shownResult(type, inner)
    case 'flags':
    case 'enum':
      return `${type.kind} { ${listed(type.names)} }`
    case 'record':
    case 'variant':
      return `${type.kind} { ${shownMembers(type.members, depth + 1)} }`
    case 'handle':
      return 'resource'
    default:
      return type.kind
  }
}

function shownResult(
  { ok, err }: Extract<WitShape, { kind: 'result' }>,
  inner: (item: WitShape | null) => string,
): string {
  return err === null ? `result<${inner(ok)}>` : `result<${inner(ok)}, ${inner(err)}>`
}

function listed(texts: readonly string[]): string {
  return texts.length <= maxShown ? texts.join(', ') : `${texts.slice(0, maxShown).join(', ')}, …`
}
