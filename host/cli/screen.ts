/**
 * A whole terminal that is drawn again and again: the alternate screen, so that what stood there comes back, and of each
 * drawing only the lines that changed, in one write, so that nothing flickers.
 */
import { cutTo } from './text-cut.ts'
import type { Output } from './world.ts'

const enter = '\u001b[?1049h\u001b[?25l\u001b[H\u001b[J'
const leave = '\u001b[?25h\u001b[?1049l'
const clearToLineEnd = '\u001b[K'
const clearAll = '\u001b[H\u001b[J'
const usualHeight = 24

export class Screen {
  readonly #output: Output
  #shown: readonly string[] | null = null
  #size = ''

  constructor(output: Output) {
    this.#output = output
  }

  get rows(): number {
    return this.#output.height ?? usualHeight
  }

  /** Puts `lines` on the screen, from its top; what does not fit is left out. */
  draw(lines: readonly string[]): void {
    const { width } = this.#output
    // In the last column a cursor waits to wrap, and what clears behind it takes the last character along.
    const cut = lines.slice(0, this.rows).map((line) => cutTo(line, width - 1))
    const size = `${width}x${this.rows}`
    const isFirst = this.#shown === null
    const isResized = !isFirst && size !== this.#size
    const before = isFirst || isResized ? [] : (this.#shown ?? [])
    const parts: string[] = []
    for (let row = 0; row < Math.max(cut.length, before.length); row++) {
      const line = cut[row] ?? ''
      if (line !== (before[row] ?? '')) parts.push(`\u001b[${row + 1};1H${line}${clearToLineEnd}`)
    }
    this.#shown = cut
    this.#size = size
    const first = isFirst ? enter : isResized ? clearAll : ''
    if (first !== '' || parts.length > 0) this.#output.write(`${first}${parts.join('')}`)
  }

  /** Gives the terminal back. @param last stays on it: it is what one wanted to know */
  close(last: readonly string[] = []): void {
    if (this.#shown === null) return
    this.#output.write(`${leave}${last.map((line) => `${cutTo(line, this.#output.width)}\n`).join('')}`)
    this.#shown = null
  }
}
