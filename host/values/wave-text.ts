/**
 * Values of WIT types as WAVE writes them (WebAssembly Value Encoding, `wasm-wave` of the Bytecode Alliance): what WIT's
 * own words suggest, `{value: 312.5, unit: "lx"}`, `some(3)`, `err("no such file")`.
 */
import type { WitShape } from '../engine/index.ts'
import { camelCase } from '../guest/index.ts'
import { fieldOf, isObject, isTaggedOption } from './fits.ts'

/** Words that a case or an enum's name would be taken for. */
export const keywords: readonly string[] = ['true', 'false', 'some', 'none', 'ok', 'err', 'inf', 'nan']

/** @param type null where it is not known; the value is then shown by its looks */
export function waveText(value: unknown, type: WitShape | null): string {
  switch (type?.kind) {
    case undefined:
      return plainText(value)
    case 'char':
      return `'${escaped(String(value), "'")}'`
    case 'string':
      return `"${escaped(String(value), '"')}"`
    case 'f32':
    case 'f64':
      return floatText(Number(value))
    case 'enum':
      return label(String(value))
    case 'flags':
      return `{${type.names.filter((name) => isObject(value) && fieldOf(value, name) === true).join(', ')}}`
    case 'list':
      return `[${[...(value as Iterable<unknown>)].map((entry) => waveText(entry, type.item)).join(', ')}]`
    case 'tuple':
      return `(${type.items.map((item, index) => waveText((value as unknown[])[index], item)).join(', ')})`
    case 'record':
      return recordText(value as Readonly<Record<string, unknown>>, type.members)
    case 'option':
      return optionText(value, type.item)
    case 'variant':
      return caseText(value as Case, (tag) => type.members.find(({ name }) => name === tag)?.type ?? null)
    case 'result':
      return caseText(value as Case, (tag) => (tag === 'ok' ? type.ok : type.err), true)
    default:
      return String(value)
  }
}

interface Case {
  readonly tag: string
  readonly val?: unknown
}

function recordText(
  value: Readonly<Record<string, unknown>>,
  members: readonly { readonly name: string; readonly type: WitShape | null }[],
): string {
  // An option that is none may be left out.
  const given = members.filter(
    ({ name, type }) => !(type?.kind === 'option' && fieldOf(value, name) === undefined),
  )
  if (given.length === 0) return '{:}'
  return `{${given.map(({ name, type }) => `${name}: ${waveText(fieldOf(value, name), type)}`).join(', ')}}`
}

function optionText(value: unknown, item: WitShape | null): string {
  if (isTaggedOption(item)) {
    const { tag, val } = value as Case
    return tag === 'none' ? 'none' : `some(${waveText(val, item)})`
  }
  return value === undefined || value === null ? 'none' : `some(${waveText(value, item)})`
}

function caseText({ tag, val }: Case, typeOf: (tag: string) => WitShape | null, isResult = false): string {
  const type = typeOf(tag)
  const name = isResult ? tag : label(tag)
  return type === null ? name : `${name}(${waveText(val, type)})`
}

function label(name: string): string {
  return keywords.includes(name) ? `%${name}` : name
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  return Object.is(value, -0) ? '-0' : String(value)
}

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

function escaped(text: string, quote: string): string {
  return text.replace(/[\\"'\p{Cc}\p{Cs}\u2028\u2029]/gu, (character) => {
    if (character === '"' || character === "'") return character === quote ? `\\${character}` : character
    return named[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}

function plainText(value: unknown): string {
  if (typeof value === 'string') return `"${escaped(value, '"')}"`
  if (value === undefined || value === null) return 'none'
  if (Array.isArray(value) || ArrayBuffer.isView(value))
    return `[${[...(value as unknown as Iterable<unknown>)].map(plainText).join(', ')}]`
  if (!isObject(value)) return String(value)
  if (typeof value['tag'] === 'string')
    return 'val' in value && value['val'] !== undefined
      ? `${value['tag']}(${plainText(value['val'])})`
      : value['tag']
  return `{${Object.entries(value)
    .map(([name, entry]) => `${camelCase(name)}: ${plainText(entry)}`)
    .join(', ')}}`
}
