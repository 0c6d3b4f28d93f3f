/**
 * The board's serial console: a shell on a line, as somebody with a cable would have it. What a command writes is told
 * from the rest by a mark before and after it.
 */
import type { Readable, Writable } from 'node:stream'

const keptChars = 200_000

export interface Ran {
  readonly status: number
  readonly output: string
}

export class SerialConsole {
  readonly #input: Writable
  readonly #listeners = new Set<() => void>()
  #text = ''
  #count = 0
  /** Why nothing more will come. */
  #end: string | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(output: Readable, input: Writable) {
    this.#input = input
    input.on('error', () => {})
    output.on('data', (chunk: Buffer) => {
      this.#text = (this.#text + chunk.toString('latin1').replaceAll('\r', '')).slice(-keptChars)
      this.#tell()
    })
    output.once('close', () => this.#hangUp('the board is off'))
  }

  /** The last of what it said, for the moment something fails. */
  tail(lines = 30): string {
    return this.#text.trimEnd().split('\n').slice(-lines).join('\n')
  }

  /** Waits for a text that has not been looked for before. @throws with the console's last lines */
  async until(pattern: RegExp, withinMs: number): Promise<RegExpExecArray> {
    const deadline = performance.now() + withinMs
    for (;;) {
      const found = pattern.exec(this.#text)
      if (found !== null) {
        this.#text = this.#text.slice(found.index + found[0].length)
        return found
      }
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || this.#end !== null) {
        const why = this.#end ?? `waited ${withinMs / 1_000} s in vain for ${String(pattern)} on the console`
        throw new Error(`${why}\n${this.tail()}`)
      }
      await this.#more(leftMs)
    }
  }

  /** Types a command; one after the other. @returns what it wrote, without its last line end, and its status */
  run(command: string, withinMs = 60_000): Promise<Ran> {
    const mine = this.#turn.then(() => this.#run(command, withinMs))
    this.#turn = mine.catch(() => {})
    return mine
  }

  /** As `run`. @throws where its status is not 0 */
  async mustRun(command: string, withinMs?: number): Promise<string> {
    const { status, output } = await this.run(command, withinMs)
    if (status !== 0)
      throw new Error(`on the board, ${command} ended with ${status}:\n${output.slice(-2_000)}`)
    return output
  }

  async #run(command: string, withinMs: number): Promise<Ran> {
    this.#count += 1
    const mark = `#${this.#count}#`
    // What it runs must not read what is typed after it.
    this.#input.write(`echo "begin ${mark}"\n{ ${command}\n} </dev/null\necho "end ${mark} $?"\n`)
    const pattern = new RegExp(`begin ${mark}\\n([^]*?)end ${mark} (\\d+)\\n`)
    const [, output = '', status = ''] = await this.until(pattern, withinMs)
    return { output: output.replace(/\n$/, ''), status: Number(status) }
  }

  #more(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#listeners.delete(settle)
        resolve()
      }
      const timer = setTimeout(settle, withinMs)
      this.#listeners.add(settle)
    })
  }

  #hangUp(why: string): void {
    this.#end = why
    this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
