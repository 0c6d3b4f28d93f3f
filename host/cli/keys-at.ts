/** Keys as they are pressed at a terminal, one by one and unseen. */
import type { Cancel } from '../../core/index.ts'

// A sequence of the terminal's, or a character.
// oxlint-disable-next-line no-control-regex
const key = /\u001b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[^]/gu
const interrupt = '\u0003'

/** Calls `onKey` until cancelled; does nothing where `input` is no terminal. Ctrl-C stays what it is. */
export function keysAt(input: NodeJS.ReadStream, onKey: (key: string) => void): Cancel {
  if (input.isTTY !== true) return () => {}
  const onData = (chunk: Buffer | string): void => {
    for (const [pressed] of chunk.toString().matchAll(key)) {
      // A terminal in raw mode sends no signal of its own.
      if (pressed === interrupt) process.kill(process.pid, 'SIGINT')
      else onKey(pressed)
    }
  }
  input.setRawMode(true)
  input.on('data', onData)
  input.resume()
  return () => {
    input.off('data', onData)
    input.setRawMode(false)
    input.pause()
  }
}
