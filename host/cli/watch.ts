/** `--watch`: draws again and again until Ctrl-C, in place where there is a terminal. */
import { isSelvedgeError } from '../../core/index.ts'
import { renderError } from './render-error.ts'
import { sleep } from './sleep.ts'
import type { World } from './world.ts'

const periodMs = 1_000
const home = '\u001b[H'
const clearToLineEnd = '\u001b[K'
const clearBelow = '\u001b[J'

/**
 * @param look asks the daemon
 * @param draw makes the text, also of an older answer while the daemon does not answer
 * @param inPlace false prints one drawing after the other, for pipes and JSON
 */
export async function watch<T>(
  world: World,
  look: () => Promise<T>,
  draw: (answer: T, ageMs: number) => string,
  inPlace: boolean,
): Promise<void> {
  let last: { answer: T; atMs: number } | null = null
  while (!world.signal.aborted) {
    let trouble = ''
    try {
      last = { answer: await look(), atMs: world.clock.monotonicMs() }
    } catch (error) {
      // The first look must succeed: there is nothing older to show, and the error says what to do.
      if (last === null || !isSelvedgeError(error)) throw error
      trouble = `\n${renderError(error, world.stdout.colour)}`
    }
    const text = draw(last.answer, world.clock.monotonicMs() - last.atMs)
    if (inPlace) world.stdout.write(overScreen(`${text}${trouble}`))
    else if (trouble === '') world.stdout.write(text)
    // Ctrl-C ends the wait, and with it the loop.
    await sleep(periodMs, world.signal).catch(() => {})
  }
}

/** Written over what stands there, line by line: a screen that is cleared first flickers. */
function overScreen(text: string): string {
  return `${home}${text.replaceAll('\n', `${clearToLineEnd}\n`)}${clearToLineEnd}${clearBelow}`
}
