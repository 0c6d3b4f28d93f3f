/**
 * Lines at the end of a terminal that are rewritten in place.
 *
 * Everything of one drawing is written at once and nothing is cleared beforehand, so that nothing flickers. Lines are
 * cut to the terminal's width, as one that wraps would take rows that nobody counts.
 */
import { visibleLength } from './table.ts'
import { cutTo } from './text-cut.ts'
import type { Output } from './world.ts'

const clearToLineEnd = '\u001b[K'
const clearToScreenEnd = '\u001b[J'
const up = (rows: number): string => (rows === 0 ? '' : `\u001b[${rows}A`)

export class LiveBlock {
  readonly #output: Output
  #shown: readonly string[] = []
  #width = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** Puts `lines` in the place of those drawn before; does nothing where they are the same. */
  draw(lines: readonly string[]): void {
    const { width } = this.#output
    const cut = lines.map((line) => cutTo(line, width - 1))
    const isSame = width === this.#width && cut.join('\n') === this.#shown.join('\n')
    if (isSame) return
    // A terminal that became narrower has wrapped what stands there.
    const rows = this.#shown.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(visibleLength(line) / width)),
      0,
    )
    const text = cut.map((line) => `${line}${clearToLineEnd}\n`).join('')
    this.#output.write(`${up(rows)}\r${text}${clearToScreenEnd}`)
    this.#shown = cut
    this.#width = width
  }
}

/** Whether lines can be rewritten there: a terminal that knows how to move its cursor. */
export function canRewrite(output: Output, env: Readonly<Record<string, string | undefined>>): boolean {
  return output.isTTY && env.TERM !== 'dumb'
}
