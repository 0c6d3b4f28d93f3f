/**
 * Numbers of changes, which only grow: a block of them is reserved on the disk, and a restart goes on behind it, so that
 * not every object costs a write more.
 */
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { flushFolder, missing } from './folder.ts'

const fileName = 'numbers.json'
const block = 1_000_000
const schema = v.object({ mark: v.pipe(v.number(), v.safeInteger(), v.minValue(0)) })

export class Numbering {
  readonly #folder: string
  #last: number
  #mark: number

  private constructor(folder: string, last: number) {
    this.#folder = folder
    this.#last = last
    this.#mark = last
  }

  /** @param highest finds the highest number in use, where the file cannot tell */
  static async open(folder: string, highest: () => Promise<number>): Promise<Numbering> {
    const text = await readFile(join(folder, fileName), 'utf8').catch(missing(null))
    if (text === null) return new Numbering(folder, 0)
    try {
      return new Numbering(folder, v.parse(schema, JSON.parse(text)).mark)
    } catch {
      return new Numbering(folder, await highest())
    }
  }

  /** No number up to this one is given again by whoever opens the folder. @throws what the disk says */
  static async raise(folder: string, last: number): Promise<void> {
    const numbering = await Numbering.open(folder, async () => last)
    if (numbering.last < last) await numbering.#reserve(last)
  }

  get last(): number {
    return this.#last
  }

  /** One at a time. @throws what the disk says */
  async next(): Promise<number> {
    if (this.#last >= this.#mark) await this.#reserve(this.#mark + block)
    this.#last += 1
    return this.#last
  }

  async #reserve(mark: number): Promise<void> {
    const path = join(this.#folder, fileName)
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.writeFile(JSON.stringify({ mark }))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(`${path}.new`, path)
    await flushFolder(this.#folder)
    this.#mark = mark
  }
}
