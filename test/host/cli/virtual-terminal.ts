/** A terminal of a given size that understands what `LiveBlock` writes: text, line ends, and three sequences. */
import type { Output } from '../../../host/cli/index.ts'

// oxlint-disable-next-line no-control-regex
const token = /\u001b\[(\d*)([A-Za-z])|[^]/gu

export class VirtualTerminal implements Output {
  readonly isTTY = true
  readonly colour = false
  width: number
  readonly height: number
  /** Rows written so far, those above the screen included. */
  #rows: string[] = ['']
  #row = 0
  #column = 0
  writes = 0

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
  }

  write(text: string): void {
    this.writes += 1
    for (const [whole, count, command] of text.matchAll(token)) {
      if (command === undefined) this.#put(whole)
      else this.#obey(command, count === '' ? 1 : Number(count))
    }
  }

  /** Makes it narrower or wider, and wraps anew what is wider than it, as terminals do. */
  resize(width: number): void {
    const below = this.#rows.slice(this.#row)
    this.#rows = this.#rows
      .slice(0, this.#row)
      .flatMap((row) => row.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''])
    this.#row = this.#rows.length
    this.#rows.push(...below)
    this.width = width
  }

  /** What a person sees, without empty rows at the end. */
  get screen(): string[] {
    const rows = this.#rows.map((row) => row.trimEnd())
    while (rows.at(-1) === '') rows.pop()
    return rows
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0
    else if (character === '\n') {
      this.#row += 1
      this.#column = 0
      this.#rows[this.#row] ??= ''
    } else {
      if (this.#column >= this.width) throw new Error(`a line is wider than ${this.width} columns`)
      const row = (this.#rows[this.#row] ?? '').padEnd(this.#column)
      this.#rows[this.#row] = row.slice(0, this.#column) + character + row.slice(this.#column + 1)
      this.#column += 1
    }
  }

  #obey(command: string, count: number): void {
    if (command === 'A') {
      if (count > this.#row) throw new Error('the cursor goes above what was written')
      this.#row -= count
    } else if (command === 'K') {
      this.#rows[this.#row] = (this.#rows[this.#row] ?? '').slice(0, this.#column)
    } else if (command === 'J') {
      this.#rows.length = this.#row + 1
      this.#rows[this.#row] = (this.#rows[this.#row] ?? '').slice(0, this.#column)
    } else {
      throw new Error(`the terminal does not know ${command}`)
    }
  }
}
