/**
 * The demo's terminal: permanent lines above, the living picture below. Where there is no terminal, only
 * permanent lines, and one for each change of a node instead of the picture.
 */
import pc from 'picocolors'
import { drawScene, type NodeScene, type Scene } from './picture.ts'

const hideCursor = '\x1b[?25l'
const showCursor = '\x1b[?25h'

export class Screen {
  readonly isLive: boolean
  readonly colors: ReturnType<typeof pc.createColors>
  readonly #out: NodeJS.WriteStream
  #drawn = 0
  #told = new Map<string, string>()

  constructor(out: NodeJS.WriteStream, environment: NodeJS.ProcessEnv) {
    this.#out = out
    this.isLive = out.isTTY === true && environment['TERM'] !== 'dumb'
    this.colors = pc.createColors(this.isLive && environment['NO_COLOR'] === undefined)
    if (this.isLive) out.write(hideCursor)
  }

  /** A line that stays; on a terminal broken between words. */
  say(text: string): void {
    for (const line of this.isLive ? wrap(text, this.#out.columns ?? 80) : [text]) this.print(line)
  }

  /** A line that stays as it is. */
  print(text: string): void {
    this.#erase()
    this.#out.write(`${text}\n`)
  }

  draw(scene: Scene): void {
    if (!this.isLive) return this.#tell(scene.nodes)
    this.#erase()
    const lines = drawScene(scene, this.colors)
    this.#out.write(`\n${lines.join('\n')}\n`)
    this.#drawn = lines.length + 1
  }

  close(): void {
    this.#drawn = 0
    if (this.isLive) this.#out.write(showCursor)
  }

  #erase(): void {
    if (this.#drawn > 0) this.#out.write(`\x1b[${this.#drawn}A\x1b[0J`)
    this.#drawn = 0
  }

  #tell(nodes: readonly NodeScene[]): void {
    for (const node of nodes) {
      const led = node.led === null ? '' : `, led ${node.led ? 'on' : 'off'}`
      const text = `${node.condition}${node.version === null ? '' : `, ${node.version}`}${node.activity === '' ? '' : ` ${node.activity}`}${led}`
      if (this.#told.get(node.name) === text) continue
      this.#told.set(node.name, text)
      this.#out.write(`  ${node.name.padEnd(9)} ${text}\n`)
    }
  }
}

/** Breaks a line between words; what goes on stands under its beginning. */
export function wrap(text: string, width: number): string[] {
  const indent = /^ */.exec(text)?.[0] ?? ''
  const lines: string[] = []
  let line = ''
  for (const word of text.trim().split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length > width) {
      lines.push(indent + line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, indent + line]
}
