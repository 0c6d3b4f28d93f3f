/**
 * `--watch`: a picture that is drawn in place on a terminal; lines about what changed where there is none; JSON Lines
 * where that was asked for. Goes on until Ctrl-C or q, also while the daemon does not answer.
 */
import { isSelvedgeError } from '../../core/index.ts'
import { canRewrite } from './live-block.ts'
import { renderError } from './render-error.ts'
import { Screen } from './screen.ts'
import { sleep } from './sleep.ts'
import { keysLine, noKeys, press } from './watch-keys.ts'
import type { World } from './world.ts'

const periodMs = 1_000

/** The lines that contain `filter`, whatever their case. */
export function linesWith(text: string, filter: string): string {
  if (filter === '') return text
  const lines = text.split('\n').filter((line) => line.toLowerCase().includes(filter))
  return `${lines.join('\n')}\n`
}

export interface Watched<T> {
  /** Asks the daemon. */
  look(): Promise<T>
  /** The whole picture, also of an older answer while the daemon does not answer. @param filter lower case; empty for all */
  draw(answer: T, ageMs: number, filter: string): string
  /** What is new, each with its line end; everything where there is no answer before. Empty where nothing is. */
  changes(before: T | null, answer: T): string
}

/** @throws what the first look throws; what is no error of ours at any time */
export async function watch<T>(world: World, watched: Watched<T>, json: boolean): Promise<void> {
  if (!json && canRewrite(world.stdout, world.env)) await watchScreen(world, watched)
  else await watchLines(world, watched)
}

async function watchLines<T>(world: World, watched: Watched<T>): Promise<void> {
  let last: T | null = null
  let trouble = ''
  while (!world.signal.aborted) {
    try {
      const answer = await watched.look()
      const text = watched.changes(last, answer)
      if (text !== '') world.stdout.write(text)
      last = answer
      trouble = ''
    } catch (error) {
      // The first look must succeed: there is nothing older to show, and the error says what to do.
      if (last === null || !isSelvedgeError(error)) throw error
      if (trouble !== error.code) world.stderr.write(renderError(error, world.stderr.colour))
      trouble = error.code
    }
    // Ctrl-C ends the wait, and with it the loop.
    await sleep(periodMs, world.signal).catch(() => {})
  }
}

async function watchScreen<T>(world: World, watched: Watched<T>): Promise<void> {
  const screen = new Screen(world.stdout)
  let keys = noKeys
  let last: { readonly answer: T; readonly atMs: number } | null = null
  let trouble = ''
  let lines: readonly string[] = []
  let shown: readonly string[] = []
  let pressed = new AbortController()
  const draw = (): void => {
    if (last === null) return
    const text = watched.draw(last.answer, world.clock.monotonicMs() - last.atMs, keys.filter)
    lines = `${text}${trouble}`.replace(/\n+$/, '').split('\n')
    const rows = screen.rows - 1
    const top = Math.min(keys.top, Math.max(0, lines.length - rows))
    shown = lines.slice(top, top + rows)
    const empty = Array.from({ length: rows - shown.length }, () => '')
    screen.draw([...shown, ...empty, keysLine({ ...keys, top }, lines.length, rows)])
  }
  const cancelKeys = world.keys?.((key) => {
    keys = press(keys, key, { lines: lines.length, rows: screen.rows - 1 })
    pressed.abort()
  })
  try {
    while (!world.signal.aborted && !keys.isDone) {
      try {
        last = { answer: await watched.look(), atMs: world.clock.monotonicMs() }
        trouble = ''
      } catch (error) {
        if (last === null || !isSelvedgeError(error)) throw error
        trouble = `\n${renderError(error, world.stdout.colour)}`
      }
      draw()
      const nextMs = world.clock.monotonicMs() + periodMs
      // Each key shows at once; the daemon is asked no more often for it.
      for (let leftMs = periodMs; leftMs > 0 && !world.signal.aborted;) {
        const woken = AbortSignal.any([world.signal, pressed.signal])
        await sleep(leftMs, woken).catch(() => {})
        if (pressed.signal.aborted) pressed = new AbortController()
        if (keys.isDone) return
        leftMs = nextMs - world.clock.monotonicMs()
        if (leftMs > 0) draw()
      }
    }
  } finally {
    cancelKeys?.()
    screen.close(shown)
  }
}
