/**
 * Reads WAVE (WebAssembly Value Encoding) against a type. Beside what WAVE has it takes what people used to JSON write:
 * names of fields in quotation marks or in camelCase, and `null` for `none`.
 */
import type { WitShape } from '../engine/index.ts'
import { camelCase } from '../guest/index.ts'
import { flagsOf } from './json-values.ts'
import { isTaggedOption, resultCases } from './fits.ts'
import { shownType } from './shown-type.ts'

const maxDepth = 64
/** Of what was written, in a message. */
const maxQuoted = 40

/** Thrown where the text is no value of the type; the message says what was expected, and where. */
export class WaveError extends Error {
  override readonly name = 'WaveError'
}

/** @returns one value of the type, in the form that jco lowers. @throws WaveError */
export function readWave(text: string, type: WitShape | null): unknown {
  const reader = new WaveReader(text)
  const value = reader.value(type)
  reader.end()
  return value
}

/**
 * Reads values one after the other, as between the parentheses of a call; with or without these.
 * @throws WaveError
 */
export function readWaveList(text: string, types: readonly (WitShape | null)[]): unknown[] {
  const reader = new WaveReader(text)
  const values = reader.arguments(types)
  reader.end()
  return values
}

class WaveReader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  end(): void {
    if (this.#peek() !== '') throw this.#expected('nothing more')
  }

  arguments(types: readonly (WitShape | null)[]): unknown[] {
    // A lone tuple begins with a parenthesis too.
    const isWrapped =
      this.#peek() === '(' && !(types.length === 1 && types[0]?.kind === 'tuple' && !this.#isDouble())
    if (isWrapped) this.#take('(')
    const values = types.map((type, index) => {
      if (index > 0) this.#take(',')
      return this.value(type)
    })
    if (this.#peek() === ',') this.#skip(',')
    if (isWrapped) this.#take(')')
    return values
  }

  value(type: WitShape | null): unknown {
    this.#depth += 1
    if (this.#depth > maxDepth) throw new WaveError(`values are nested deeper than ${maxDepth}`)
    const value = this.#read(type)
    this.#depth -= 1
    return value
  }

  #read(type: WitShape | null): unknown {
    if (type === null) throw new WaveError('its type is not known, so that it cannot be written by hand')
    switch (type.kind) {
      case 'bool':
        return this.#word('true or false', { true: true, false: false })
      case 'char':
        return this.#char()
      case 'string':
        return this.#string()
      case 'f32':
      case 'f64':
        return this.#float(type.kind)
      case 'enum':
        return this.#oneOf(type.names, type)
      case 'flags':
        return this.#flags(type.names)
      case 'list':
        return this.#list(type.item)
      case 'tuple':
        return this.#tuple(type.items)
      case 'record':
        return this.#record(type)
      case 'option':
        return this.#option(type.item)
      case 'variant':
        return this.#case(type.members, type)
      case 'result':
        return this.#case(resultCases(type), type)
      case 'handle':
        throw new WaveError('a resource cannot be written by hand')
      default:
        return this.#integer(type.kind)
    }
  }

  #integer(kind: string): number | bigint {
    const text = this.#match(/-?\d+/y)
    const bits = BigInt(kind.slice(1))
    const isSigned = kind.startsWith('s')
    const most = isSigned ? 1n << (bits - 1n) : 1n << bits
    if (text === null || text.length > 24) throw this.#expected(`a whole number (${kind})`)
    const value = BigInt(text)
    if (value >= most || value < (isSigned ? -most : 0n)) {
      throw new WaveError(`${text} is outside of ${kind}: ${isSigned ? -most : 0n} to ${most - 1n}`)
    }
    return bits === 64n ? value : Number(value)
  }

  #float(kind: string): number {
    const text = this.#match(/-?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|inf)|nan/y)
    if (text === null) throw this.#expected(`a number (${kind})`)
    if (text === 'nan') return NaN
    return text.endsWith('inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text)
  }

  #word<Value>(what: string, words: Readonly<Record<string, Value>>): Value {
    const before = this.#at
    const word = this.#label()
    if (word !== null && Object.hasOwn(words, word)) return words[word] as Value
    this.#at = before
    throw this.#expected(what)
  }

  #char(): string {
    const quote = this.#peek()
    if (quote !== "'" && quote !== '"') throw this.#expected("a character, as 'x'")
    const text = this.#quoted(quote)
    if ([...text].length !== 1)
      throw new WaveError(`${JSON.stringify(text.slice(0, maxQuoted))} is not one character`)
    return text
  }

  #string(): string {
    if (this.#peek() !== '"') throw this.#expected('a text, as "…"')
    return this.#text.startsWith('"""', this.#at) ? this.#lines() : this.#quoted('"')
  }

  #quoted(quote: string): string {
    this.#at += 1
    let value = ''
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined || character === '\n')
        throw new WaveError(`a text without its end, ${quote}`)
      this.#at += 1
      if (character === quote) return value
      value += character === '\\' ? this.#escape() : character
    }
  }

  /** `"""` and a new line, the lines, and `"""` behind the indentation that they all have. */
  #lines(): string {
    const end = this.#text.indexOf('"""', this.#at + 3)
    const body = end < 0 ? null : /^\r?\n([^]*\n)?([ ]*)$/.exec(this.#text.slice(this.#at + 3, end))
    if (body === null)
      throw new WaveError('a text of several lines begins and ends with """ on lines of their own')
    this.#at = end + 3
    const [, text = '', indentation = ''] = body
    return text
      .replace(/\r?\n$/, '')
      .split(/\r?\n/)
      .map((line) => (line.startsWith(indentation) ? line.slice(indentation.length) : line.trimStart()))
      .join('\n')
  }

  #escape(): string {
    const character = this.#text[this.#at] ?? ''
    this.#at += 1
    const simple: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }
    if (Object.hasOwn(simple, character)) return simple[character] ?? ''
    if (/["'\\/]/.test(character)) return character
    const code = /\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{4})/y
    code.lastIndex = this.#at
    const found = character === 'u' ? code.exec(this.#text) : null
    const point = Number.parseInt(found?.[1] ?? found?.[2] ?? '', 16)
    if (found === null || !(point <= 0x10ffff)) throw new WaveError(`\\${character} is no escape`)
    this.#at = code.lastIndex
    return String.fromCodePoint(point)
  }

  #list(item: WitShape | null): unknown {
    const values = this.#between('[', ']', () => this.value(item))
    return item?.kind === 'u8' ? Uint8Array.from(values as number[]) : values
  }

  #tuple(items: readonly (WitShape | null)[]): unknown[] {
    let index = 0
    const values = this.#between('(', ')', () => {
      if (index >= items.length) throw this.#expected(`${items.length} values`)
      return this.value(items[index++] ?? null)
    })
    if (values.length !== items.length) throw this.#expected(`${items.length} values`)
    return values
  }

  #record(type: Extract<WitShape, { kind: 'record' | 'variant' }>): Record<string, unknown> {
    const fields = new Map<string, unknown>()
    if (this.#match(/\{\s*:\s*\}/y) === null) {
      this.#between('{', '}', () => {
        const name = this.#fieldName()
        const member = type.members.find((known) => camelCase(known.name) === camelCase(name))
        if (member === undefined) throw new WaveError(`${name} is no field of ${shownType(type)}`)
        if (fields.has(camelCase(name))) throw new WaveError(`the field ${name} is there twice`)
        this.#take(':')
        fields.set(camelCase(name), this.value(member.type))
      })
    }
    for (const { name, type: of } of type.members) {
      const key = camelCase(name)
      if (fields.has(key)) continue
      if (of?.kind !== 'option') throw new WaveError(`the field ${name} of ${shownType(type)} is missing`)
      fields.set(key, isTaggedOption(of.item) ? { tag: 'none' } : undefined)
    }
    return Object.fromEntries(fields)
  }

  #fieldName(): string {
    const name = this.#peek() === '"' ? this.#quoted('"') : this.#label()
    if (name === null) throw this.#expected('the name of a field')
    return name
  }

  #flags(names: readonly string[]): unknown {
    const set = this.#between('{', '}', () => this.#oneOf(names, { kind: 'flags', names }))
    return flagsOf(names, set)
  }

  #option(item: WitShape | null): unknown {
    const before = this.#at
    const isTagged = isTaggedOption(item)
    const word = this.#label()
    if (word === 'none' || word === 'null') return isTagged ? { tag: 'none' } : undefined
    const hasSome = word === 'some' && this.#peek() === '('
    if (!hasSome) this.#at = before
    else this.#take('(')
    const value = this.value(item)
    if (hasSome) this.#take(')')
    return isTagged ? { tag: 'some', val: value } : value
  }

  #case(
    cases: readonly { readonly name: string; readonly type: WitShape | null }[],
    type: WitShape,
  ): unknown {
    const tag = this.#oneOf(
      cases.map(({ name }) => name),
      type,
    )
    const of = cases.find(({ name }) => name === tag)?.type ?? null
    if (of === null) return { tag }
    this.#take('(')
    const val = this.value(of)
    this.#take(')')
    return { tag, val }
  }

  #oneOf(names: readonly string[], type: WitShape): string {
    const before = this.#at
    const word = this.#label()
    if (word !== null && names.includes(word)) return word
    this.#at = before
    throw this.#expected(shownType(type))
  }

  #between<Value>(open: string, close: string, read: () => Value): Value[] {
    this.#take(open)
    const values: Value[] = []
    while (this.#peek() !== close) {
      if (values.length > 0) {
        this.#take(',')
        if (this.#peek() === close) break
      }
      values.push(read())
    }
    this.#take(close)
    return values
  }

  /** A name of WIT; `%` keeps one from being taken for a keyword. */
  #label(): string | null {
    return this.#match(/%?[a-zA-Z][a-zA-Z0-9_-]*/y)?.replace('%', '') ?? null
  }

  #take(sign: string): void {
    if (this.#peek() !== sign) throw this.#expected(`"${sign}"`)
    this.#skip(sign)
  }

  #skip(sign: string): void {
    this.#at += sign.length
  }

  /** The next character that means something; empty at the end. Comments run to the end of their line. */
  #peek(): string {
    const blank = /(?:\s|\/\/[^\n]*)*/y
    blank.lastIndex = this.#at
    blank.exec(this.#text)
    this.#at = Math.max(this.#at, blank.lastIndex)
    return this.#text[this.#at] ?? ''
  }

  #match(pattern: RegExp): string | null {
    this.#peek()
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0] ?? null
    if (found !== null) this.#at += found.length
    return found
  }

  #isDouble(): boolean {
    return /\(\s*\(/y.test(this.#text.slice(this.#at))
  }

  #expected(what: string): WaveError {
    const rest = this.#text.slice(this.#at, this.#at + maxQuoted)
    const found = this.#peek() === '' ? 'the end of the text' : JSON.stringify(rest)
    return new WaveError(`${what} is expected where ${found} is`)
  }
}
