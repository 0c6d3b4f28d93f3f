/** Values to begin with: a person who sees how one is written changes it into the one that is meant. */
import type { Signature, WitShape } from '../engine/index.ts'

/** More would show nothing but itself. */
const maxChars = 300

/**
 * @returns each argument as it is typed, by the name of its parameter: `celsius=1.5`; null where one cannot be written by
 *   hand, or is too long to show anything
 */
export function sampleArguments({ parameters }: Signature): string[] | null {
  const words = parameters.map(({ name, type }) => {
    const text = typed(type)
    return text === null ? null : `${name}=${text}`
  })
  const known = words.filter((word) => word !== null)
  const length = known.reduce((sum, word) => sum + word.length, 0)
  return known.length < words.length || length > maxChars ? null : known
}

/** Without what a whole argument does not need: quotation marks around text, `some` around what is there. */
function typed(type: WitShape | null): string | null {
  const inner = type?.kind === 'option' ? type.item : type
  if (inner?.kind === 'string') return 'text'
  if (inner?.kind === 'char') return 'a'
  const isBare = inner !== null && (inner.kind === 'bool' || /^[fsu]\d/.test(inner.kind))
  return sample(isBare ? inner : type)
}

function sample(type: WitShape | null): string | null {
  if (type === null) return null
  switch (type.kind) {
    case 'bool':
      return 'true'
    case 'char':
      return "'a'"
    case 'string':
      return '"text"'
    case 'f32':
    case 'f64':
      return '1.5'
    case 'enum':
      return type.names[0] ?? null
    case 'flags':
      return `{${type.names[0] ?? ''}}`
    case 'list':
      return around('[', sample(type.item), ']')
    case 'tuple':
      return all(type.items.map(sample), '(', ')')
    case 'record':
      return type.members.length === 0 ? '{:}' : fields(type.members)
    case 'option':
      return around('some(', sample(type.item), ')') ?? 'none'
    case 'variant':
      return firstCase(type.members)
    case 'result':
      return firstCase([
        { name: 'ok', type: type.ok },
        { name: 'err', type: type.err },
      ])
    case 'handle':
      return null
    default:
      return '1'
  }
}

type Members = readonly { readonly name: string; readonly type: WitShape | null }[]

function fields(members: Members): string | null {
  const written = members.map(({ name, type }) => around(`${name}: `, sample(type), ''))
  return all(written, '{', '}')
}

function firstCase(cases: Members): string | null {
  for (const { name, type } of cases) {
    const text = type === null ? name : around(`${name}(`, sample(type), ')')
    if (text !== null) return text
  }
  return null
}

function all(texts: readonly (string | null)[], open: string, close: string): string | null {
  const known = texts.filter((text) => text !== null)
  return known.length < texts.length ? null : `${open}${known.join(', ')}${close}`
}

function around(before: string, text: string | null, after: string): string | null {
  return text === null ? null : `${before}${text}${after}`
}
