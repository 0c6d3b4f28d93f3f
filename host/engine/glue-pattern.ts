/**
 * Patterns over the text of generated code, written as that code.
 *
 * A pattern matches whole lines only, whatever their indentation and the empty lines between them. What a component
 * may name (functions, exports, imports) stands in string literals, which never span lines: no name can pass for
 * code here. `§` stands for any text within one line.
 */

export interface Rewrite {
  /** Says in tests and refusals which one it is. */
  readonly name: string
  readonly pattern: RegExp
  /** Stands in all that the pattern matches: to look for it costs next to nothing, and most patterns are not there. */
  readonly anchor: string
  readonly replacement: string
}

export interface Rewritten {
  readonly text: string
  readonly count: number
}

/** @param template lines as the generator writes them; @param replacement as of String.replace, `$1` the first hole */
export function rewriteOf(name: string, template: string, replacement: string): Rewrite {
  return { name, pattern: new RegExp(sourceOf(template), 'gm'), anchor: anchorOf(template), replacement }
}

/** The longest piece of a line without holes. */
function anchorOf(template: string): string {
  const pieces = template.split('\n').flatMap((line) => line.trim().split('§'))
  return pieces.reduce((longest, piece) => (piece.length > longest.length ? piece : longest), '')
}

export function rewrite(text: string, { pattern, anchor, replacement }: Rewrite): Rewritten {
  if (!text.includes(anchor)) return { text, count: 0 }
  let count = 0
  for (const _ of text.matchAll(pattern)) count += 1
  return { text: count === 0 ? text : text.replace(pattern, replacement), count }
}

function sourceOf(template: string): string {
  const lines = template
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) =>
      line
        .split('§')
        .map((part) => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
        .join('([^\\n]*?)'),
    )
  // Lazy holes are bound by the end of their line.
  return `^[ \\t]*${lines.join('[ \\t]*\\n\\s*')}[ \\t]*$`
}

/**
 * Removes every statement that is a call of `name`, arguments and all. Only whole lines are removed; a call within
 * an expression stays.
 */
export function withoutCalls(text: string, name: string): Rewritten {
  const begin = new RegExp(`^[ \\t]*${name}\\(`, 'gm')
  const parts: string[] = []
  let kept = 0
  let count = 0
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const close = closingBracket(text, begin.lastIndex)
    const end = close === null ? null : /^\);?[ \t]*\n/.exec(text.slice(close, close + 80))
    if (close === null || end === null) continue
    parts.push(text.slice(kept, match.index))
    kept = close + end[0].length
    begin.lastIndex = kept
    count += 1
  }
  return { text: parts.join('') + text.slice(kept), count }
}

/** Where the bracket opened before `at` closes; null where the text is more than calls with literals. */
function closingBracket(text: string, at: number): number | null {
  let depth = 1
  for (let index = at; index < text.length; index += 1) {
    const char = text[index]
    if (char === "'" || char === '"' || char === '`') {
      index = literalEnd(text, index)
    } else if (char === '(' || char === '[' || char === '{') depth += 1
    else if (char === ')' || char === ']' || char === '}') {
      depth -= 1
      if (depth === 0) return index
    } else if (char === '/' && (text[index + 1] === '/' || text[index + 1] === '*')) return null
  }
  return null
}

/** The index of the quote that ends the literal beginning at `at`. What a template literal holds is skipped with it. */
function literalEnd(text: string, at: number): number {
  const quote = text[at]
  let index = at + 1
  while (index < text.length && text[index] !== quote) index += text[index] === '\\' ? 2 : 1
  return index
}
