/**
 * Takes out of the glue what nothing in it asks for. jco writes its whole library of asynchronous tasks, streams and
 * liftings in front of every component; each instance would make all of its functions and classes again.
 *
 * Only declarations of functions and classes go, which do nothing by being there, and only those whose name stands
 * nowhere in what stays, be it in a comment or a literal. Text in which brackets do not add up is left as it is.
 */

export interface PrunedGlue {
  readonly text: string
  /** Names of the declarations that were taken out, in their order. */
  readonly removed: readonly string[]
}

interface Declaration {
  readonly name: string
  readonly begin: number
  readonly end: number
}

/** Where the component itself begins: behind it stands what the guest shaped, and nothing that could go. */
const componentBegins = '_initGenerator'
const word = /[A-Za-z_$][\w$]*/g
/** What the structure of a text shows in; all between is passed over at once. */
const telling = /[\n'"`/{}()[\]]/g

export function prune(text: string): PrunedGlue {
  const declarations = declarationsIn(text)
  const kept = reachable(text, declarations)
  const parts: string[] = []
  const removed: string[] = []
  let at = 0
  for (const declaration of declarations) {
    if (kept.has(declaration)) continue
    parts.push(text.slice(at, declaration.begin))
    at = declaration.end
    removed.push(declaration.name)
  }
  return { text: parts.join('') + text.slice(at), removed }
}

/** From what is no declaration, by the names that stand there, and those that stand in what they name. */
function reachable(text: string, declarations: readonly Declaration[]): ReadonlySet<Declaration> {
  const byName = new Map<string, Declaration[]>()
  for (const declaration of declarations) {
    byName.set(declaration.name, [...(byName.get(declaration.name) ?? []), declaration])
  }
  const kept = new Set<Declaration>()
  const waiting: string[] = []
  let at = 0
  for (const { begin, end } of declarations) {
    waiting.push(text.slice(at, begin))
    at = end
  }
  waiting.push(text.slice(at))
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    // All words at once: one by one they would be most of the work, on a slow board half a second of it.
    for (const name of new Set(part.match(word))) {
      for (const declaration of byName.get(name) ?? []) {
        if (kept.has(declaration)) continue
        kept.add(declaration)
        waiting.push(text.slice(declaration.begin, declaration.end))
      }
    }
  }
  return kept
}

/** Functions and classes declared directly in `instantiate`, before the component; none where brackets do not add up. */
function declarationsIn(text: string): readonly Declaration[] {
  const limit = text.indexOf(componentBegins)
  const found: Declaration[] = []
  const start = /[ \t]*(?:(?:async )?function\*? ?|class )([A-Za-z_$][\w$]*)/y
  let open: { name: string; begin: number } | null = null
  let depth = 0
  for (let at = 0; at < limit;) {
    const char = text[at]
    const next = skipped(text, at)
    if (next < 0) return []
    if (char === '{' || char === '(' || char === '[') depth += 1
    if (char === '}' || char === ')' || char === ']') {
      depth -= 1
      if (depth < 0) return []
      if (char === '}' && depth === 1 && open !== null) {
        found.push({ ...open, end: next })
        open = null
      }
    }
    if (text[next - 1] === '\n' && depth === 1 && open === null) {
      start.lastIndex = next
      const match = start.exec(text)
      if (match !== null) open = { name: match[1] ?? '', begin: next }
    }
    telling.lastIndex = next
    at = telling.exec(text)?.index ?? limit
  }
  return open === null ? found : []
}

/** Behind the literal or comment that begins at `at`, or behind that character; -1 where it does not end. */
function skipped(text: string, at: number): number {
  const char = text[at]
  if (char === "'" || char === '"') return behindQuote(text, at)
  if (char === '`') return behindTemplate(text, at)
  if (char !== '/') return at + 1
  const next = text[at + 1]
  if (next === '/') return behind(text, '\n', at)
  if (next === '*') return behind(text, '*/', at)
  return at + 1
}

function behind(text: string, what: string, at: number): number {
  const index = text.indexOf(what, at + 2)
  return index < 0 ? -1 : index + what.length
}

function behindQuote(text: string, begin: number): number {
  const quote = text[begin]
  for (let at = begin + 1; at < text.length; at += 1) {
    const char = text[at]
    if (char === quote) return at + 1
    if (char === '\n') return -1
    if (char === '\\') at += 1
  }
  return -1
}

/** With the expressions in it, which may hold templates again. */
function behindTemplate(text: string, begin: number): number {
  let at = begin + 1
  while (at < text.length) {
    const char = text[at]
    if (char === '`') return at + 1
    if (char === '\\') at += 2
    else if (char === '$' && text[at + 1] === '{') {
      at = behindExpression(text, at + 2)
      if (at < 0) return -1
    } else at += 1
  }
  return -1
}

function behindExpression(text: string, begin: number): number {
  let depth = 1
  for (let at = begin; at >= 0 && at < text.length; at = skipped(text, at)) {
    if (text[at] === '{') depth += 1
    if (text[at] === '}') depth -= 1
    if (depth === 0) return at + 1
  }
  return -1
}
