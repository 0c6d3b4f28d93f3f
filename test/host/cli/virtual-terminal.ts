/** A terminal of a given size that understands what `LiveBlock` and `Screen` write: text, line ends, a few sequences. */
import type { Output } from '../../../host/cli/index.ts'

// oxlint-disable-next-line no-control-regex
const token = /\u001b\[(\??[\d;]*)([A-Za-z])|[^]/gu

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
  readonly #switched = new Set<string>()
  /** The ordinary screen, while another is shown. */
  #kept: { rows: string[]; row: number; column: number } = { rows: [''], row: 0, column: 0 }

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
  }

  write(text: string): void {
    this.writes += 1
    for (const [whole, count, command] of text.matchAll(token)) {
      if (command === undefined) this.#put(whole)
      else if (command === 'H') this.#move(count ?? '')
      else if (command === 'h' || command === 'l') this.#switch(count ?? '', command === 'h')
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

  /** Its cursor is seen, and it is the ordinary screen that is. */
  get isWhole(): boolean {
    return this.#switched.size === 0
  }

  #move(to: string): void {
    const [row = 1, column = 1] = to === '' ? [] : to.split(';').map(Number)
    if (row > this.height) throw new Error(`there is no row ${row}`)
    while (this.#rows.length < row) this.#rows.push('')
    this.#row = row - 1
    this.#column = column - 1
  }

  #switch(mode: string, on: boolean): void {
    if (mode !== '?1049' && mode !== '?25') throw new Error(`the terminal does not know mode ${mode}`)
    // The alternate screen is on, and the cursor is off, while something fills the terminal.
    if (on === (mode === '?1049')) this.#switched.add(mode)
    else this.#switched.delete(mode)
    if (mode === '?25') return
    if (on) this.#kept = { rows: this.#rows, row: this.#row, column: this.#column }
    const { rows, row, column } = on ? { rows: [''], row: 0, column: 0 } : this.#kept
    this.#rows = rows
    this.#row = row
    this.#column = column
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
