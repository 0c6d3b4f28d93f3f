/** A place in a WIT text's tokens; whatever is not as expected is answered with its line. */
import { buildProblems } from '../problems.ts'
import type { Token } from './lexer.ts'

export class Cursor {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token
  }

  next(): Token {
    const token = this.peek()
    this.#at++
    return token
  }

  is(text: string): boolean {
    return this.peek().text === text
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false
    this.#at++
    return true
  }

  expect(text: string): void {
    if (!this.accept(text)) throw this.refuse(`"${text}"`)
  }

  name(): string {
    const token = this.next()
    if (!/^%?[A-Za-z]/.test(token.text)) throw this.refuse('a name', token)
    return token.text.replace('%', '')
  }

  refuse(wanted: string, token = this.peek()): Error {
    const found = token.text === '' ? 'its end' : `"${token.text}"`
    return buildProblems.error(
      'ERR_WORLD',
      `line ${token.line} of the WIT has ${found} where ${wanted} is expected`,
    )
  }

  /** What bindings cannot express yet, by its name. */
  unsupported(what: string): Error {
    return buildProblems.error(
      'ERR_WORLD',
      `line ${this.peek().line} of the WIT has ${what}, which has no binding here`,
      {
        hint: 'build against a WASI 0.2 world without async functions, streams and futures',
      },
    )
  }
}
