/** Lines out of bytes as they come, from a serial line or a program: none longer than one can bear. */

/** Cuts at `maxChars`; what is longer is dropped to its end, and counted. */
export class LineCutter {
  readonly #maxChars: number
  readonly #decoder = new TextDecoder('utf-8')
  #rest = ''
  #isTooLong = false
  dropped = 0

  constructor(maxChars: number) {
    this.#maxChars = maxChars
  }

  /** @returns the lines that these bytes finish, without their ends; none that are empty */
  add(bytes: Uint8Array): string[] {
    const pieces = this.#decoder.decode(bytes, { stream: true }).split(/\r\n|\n|\r/)
    const lines: string[] = []
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) this.#end(lines)
      this.#rest += piece
      if (this.#rest.length > this.#maxChars) {
        this.#isTooLong = true
        this.#rest = ''
      }
    }
    return lines
  }

  #end(lines: string[]): void {
    if (this.#isTooLong) this.dropped += 1
    else if (this.#rest !== '') lines.push(this.#rest)
    this.#rest = ''
    this.#isTooLong = false
  }
}
