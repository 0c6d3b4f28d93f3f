/**
 * WIT text to tokens. Doc comments stay with the token behind them; everything else between tokens is dropped.
 * Linear in the text: one expression, no backtracking over more than a token.
 */
import { buildProblems } from '../problems.ts'

export interface Token {
  /** As written: a name (`%` and all, so that `%record` is not the keyword), a number, a sign; empty at the end. */
  readonly text: string
  /** The `///` lines before it, joined by newlines. */
  readonly docs: string
  /** From 1. */
  readonly line: number
}

/** WIT beyond this is no interface but a mistake. */
const maxTextLength = 4 * 1024 * 1024

// In this order: comments, names, numbers and versions, `->`, one sign, anything else.
const pattern =
  /\/\/(?<comment>[^\n]*)|\/\*[^]*?\*\/|(?<name>%?[A-Za-z][A-Za-z0-9-]*)|(?<number>[0-9][0-9A-Za-z.+-]*)|(?<sign>->|[{}()<>:;,.=@/*_])|(?<other>\S)/g

/** @throws ERR_WORLD on a sign that WIT does not have, naming the line */
export function tokensOf(text: string): Token[] {
  if (text.length > maxTextLength) {
    throw buildProblems.error('ERR_WORLD', `the WIT is longer than ${maxTextLength} characters`)
  }
  const tokens: Token[] = []
  let docs: string[] = []
  let line = 1
  let counted = 0
  const add = (word: string): void => {
    tokens.push({ text: word, docs: docs.join('\n'), line })
    docs = []
  }
  for (const match of text.matchAll(pattern)) {
    for (; counted < match.index; counted++) if (text.charCodeAt(counted) === 10) line++
    const { comment, name, number, sign, other } = match.groups ?? {}
    if (comment?.startsWith('/') === true && !comment.startsWith('//')) docs.push(comment.slice(1).trim())
    else if (other === undefined) {
      const word = name ?? number ?? sign
      if (word !== undefined) add(word)
    } else {
      throw buildProblems.error(
        'ERR_WORLD',
        `line ${line} of the WIT has ${JSON.stringify(other)}, which WIT does not know`,
      )
    }
  }
  add('')
  return tokens
}
