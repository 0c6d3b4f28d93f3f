/** How far long work is: one line that is rewritten on a terminal, and nothing where nobody watches. */
import { LiveBlock } from '../live-block.ts'
import { percentText, sizeText } from '../text.ts'
import type { World } from '../world.ts'

/** Between two drawings, so that a fast disk does not spend its time on the terminal. */
const stepMs = 100

/** @returns to be called with bytes done of all; `total` 0 where nobody knows */
export function byteProgress({ stderr, clock }: World, what: string): (done: number, total: number) => void {
  if (!stderr.isTTY) return () => {}
  const block = new LiveBlock(stderr)
  let drawnAt = -Infinity
  return (done, total) => {
    const now = clock.monotonicMs()
    if (now - drawnAt < stepMs && done !== total) return
    drawnAt = now
    const share = total > 0 ? ` of ${sizeText(total)} · ${percentText(done / total)}` : ''
    block.draw([`${what}  ${sizeText(done)}${share}`])
  }
}
