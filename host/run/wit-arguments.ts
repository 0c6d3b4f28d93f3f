/**
 * Arguments of a component's function, held against what its WIT says. The glue behind it would make 0 of a text and
 * nothing of an argument that is missing, or trap in the guest's code.
 */
import type { Signature, WitShape } from '../engine/index.ts'
import { camelCase } from '../guest/index.ts'
import { readArgument } from './invocation.ts'
import { runProblems } from './problems.ts'

/** Types are shown so deep, and looked into so deep: a file may nest them as far as it likes. */
const shownDepth = 4
const maxDepth = 64
const maxShown = 12

/**
 * @param name as it was typed, `interface@version#function` or a function's
 * @throws ERR_RUN_ARGUMENTS where there are more or fewer, or one is none of its type
 */
export function readWitArguments(name: string, texts: readonly string[], signature: Signature): unknown[] {
  const { parameters } = signature
  if (texts.length !== parameters.length) {
    const takes = parameters.length === 0 ? 'no arguments' : `(${shownMembers(parameters, 0)})`
    throw refused(`${name} takes ${takes}, and was given ${texts.length}`, name, signature)
  }
  return parameters.map(({ name: parameter, type }, index) => {
    const text = texts[index] ?? ''
    const value = valueOf(text, type)
    if (value !== noValue) return value
    const what = `argument ${index + 1} of ${name}, ${parameter}`
    const shown = JSON.stringify(text.slice(0, 80))
    throw refused(`${what}, is ${articled(shownType(type, 0))}, which ${shown} is not`, name, signature)
  })
}

function refused(message: string, name: string, { parameters, result }: Signature): Error {
  const gives = result === null ? '' : ` -> ${shownType(result, 0)}`
  return runProblems.error('ERR_RUN_ARGUMENTS', message, {
    hint: `${name} is func(${shownMembers(parameters, 0)})${gives}; write one argument for each parameter, as JSON`,
  })
}

const noValue = Symbol('no value of the type')

/** Text needs no quotation marks, and is not taken for what else it could be. */
function valueOf(text: string, type: WitShape | null): unknown {
  const value = readArgument(text)
  if (type?.kind === 'string' || type?.kind === 'char' || type?.kind === 'enum') {
    const plain = typeof value === 'string' ? value : text
    return fits(plain, type, 0) ? plain : noValue
  }
  if (type?.kind === 'f32' || type?.kind === 'f64') return typeof value === 'number' ? value : noValue
  if (!fits(value, type, 0)) return noValue
  // As the glue takes them: exact where a number could not be, and a number else.
  if (type?.kind === 'u64' || type?.kind === 's64') return BigInt(value as number | bigint)
  return typeof value === 'bigint' && type !== null ? Number(value) : value
}

function fits(value: unknown, type: WitShape | null, depth: number): boolean {
  // What is not known is for the glue to say.
  if (type === null || depth > maxDepth) return true
  const inner = (item: unknown, itemType: WitShape | null): boolean => fits(item, itemType, depth + 1)
  switch (type.kind) {
    case 'bool':
      return typeof value === 'boolean'
    case 'string':
      return typeof value === 'string'
    case 'char':
      return typeof value === 'string' && [...value].length === 1
    case 'f32':
    case 'f64':
      return typeof value === 'number'
    case 'enum':
      return typeof value === 'string' && type.names.includes(value)
    case 'flags':
      return isObject(value) && Object.values(value).every((item) => typeof item === 'boolean')
    case 'list':
      return Array.isArray(value) && value.every((item) => inner(item, type.item))
    case 'tuple':
      return (
        Array.isArray(value) &&
        value.length === type.items.length &&
        type.items.every((item, index) => inner(value[index], item))
      )
    case 'option':
      return value === null || value === undefined || inner(value, type.item)
    case 'record':
      return (
        isObject(value) && type.members.every((member) => inner(fieldOf(value, member.name), member.type))
      )
    case 'variant':
      return isCase(value) && fitsCase(value, type.members, inner)
    case 'result':
      return (
        isCase(value) &&
        fitsCase(
          value,
          [
            { name: 'ok', type: type.ok },
            { name: 'err', type: type.err },
          ],
          inner,
        )
      )
    default:
      return isInteger(value, type.kind)
  }
}

function fitsCase(
  { tag, val }: { readonly tag: string; readonly val?: unknown },
  cases: readonly { readonly name: string; readonly type: WitShape | null }[],
  inner: (value: unknown, type: WitShape | null) => boolean,
): boolean {
  const found = cases.find(({ name }) => name === tag)
  return found !== undefined && inner(val, found.type)
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCase(value: unknown): value is { readonly tag: string; readonly val?: unknown } {
  return isObject(value) && typeof value['tag'] === 'string'
}

/** Fields are written as in JavaScript: `time-ms` is `timeMs`. */
function fieldOf(value: Readonly<Record<string, unknown>>, name: string): unknown {
  const key = camelCase(name)
  return Object.hasOwn(value, key) ? value[key] : undefined
}

/** `u8` … `s64`. */
function isInteger(value: unknown, kind: string): boolean {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value)) return false
  const bits = BigInt(kind.slice(1))
  const [least, most] = kind.startsWith('u') ? [0n, 1n << bits] : [-(1n << (bits - 1n)), 1n << (bits - 1n)]
  const whole = BigInt(value as number | bigint)
  return whole >= least && whole < most
}

function articled(type: string): string {
  return `${/^(s\d|f\d|enum|option)/.test(type) ? 'an' : 'a'} ${type}`
}

function shownMembers(
  members: readonly { readonly name: string; readonly type: WitShape | null }[],
  depth: number,
): string {
  return listed(
    members.map(({ name, type }) => (type === null ? name : `${name}: ${shownType(type, depth)}`)),
  )
}

function listed(texts: readonly string[]): string {
  return texts.length <= maxShown ? texts.join(', ') : `${texts.slice(0, maxShown).join(', ')}, …`
}

function shownType(type: WitShape | null, depth: number): string {
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
      return `result<${inner(type.ok)}, ${inner(type.err)}>`
    case 'flags':
    case 'enum':
      return `${type.kind} { ${listed(type.names)} }`
    case 'record':
    case 'variant':
      return `${type.kind} { ${shownMembers(type.members, depth + 1)} }`
    default:
      return type.kind
  }
}
