import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Screen } from '../../../host/cli/screen.ts'
import { cutTo } from '../../../host/cli/text-cut.ts'
import { keysLine, noKeys, press, type WatchKeys } from '../../../host/cli/watch-keys.ts'
import { VirtualTerminal } from './virtual-terminal.ts'

const lineOf = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '●'), maxLength: 50 })
const height = 8

describe('a screen that is drawn again and again', () => {
  it('shows the last drawing as far as there are rows, whatever was drawn before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(lineOf, { maxLength: 12 }), { minLength: 1, maxLength: 8 }),
        (drawings) => {
          const terminal = new VirtualTerminal(40, height)
          const screen = new Screen(terminal)
          for (const lines of drawings) screen.draw(lines)
          const last = (drawings.at(-1) ?? []).slice(0, height).map((line) => cutTo(line, 39).trimEnd())
          while (last.at(-1) === '') last.pop()
          expect(terminal.screen).toEqual(last)
        },
      ),
    )
  })

  it('writes only the lines that changed, at once, and nothing where none did', () => {
    const terminal = new VirtualTerminal(40, height)
    const written: string[] = []
    const screen = new Screen({
      ...terminal,
      isTTY: true,
      colour: false,
      width: 40,
      height,
      write: (text) => void written.push(text),
    })
    screen.draw(['one', 'two', 'three'])
    screen.draw(['one', 'two', 'three'])
    screen.draw(['one', 'zwei', 'three'])
    expect(written).toHaveLength(2)
    expect(written[1]).toContain('zwei')
    expect(written[1]).not.toMatch(/one|three/)
  })

  it('is drawn anew where the terminal has another size, and gives the terminal back', () => {
    const terminal = new VirtualTerminal(40, height)
    const screen = new Screen(terminal)
    screen.draw(['a line of some length', 'b'])
    terminal.width = 10
    screen.draw(['a line of some length', 'b'])
    expect(terminal.screen).toEqual(['a line o…', 'b'])
    expect(terminal.isWhole).toBe(false)
    screen.close(['the last'])
    screen.close()
    expect(terminal.isWhole).toBe(true)
    expect(terminal.screen).toEqual(['the last'])
  })
})

describe('keys', () => {
  const room = { lines: 30, rows: 10 }
  const after = (...pressed: string[]): WatchKeys =>
    pressed.reduce((keys, key) => press(keys, key, room), noKeys)

  it('scroll within the picture', () => {
    expect(after('j', 'j', 'k').top).toBe(1)
    expect(after('\u001b[A').top).toBe(0)
    expect(after(' ', ' ', ' ', ' ').top).toBe(20)
    expect(press(noKeys, 'j', { lines: 5, rows: 10 }).top).toBe(0)
  })

  it('type a filter, keep it with Enter, drop it with Esc; q is a letter while one types', () => {
    expect(after('/', 'Q', 'u', 'x', '\u007f', '\r')).toMatchObject({
      filter: 'qu',
      isTyping: false,
      isDone: false,
    })
    expect(after('/', 'a', '\u001b')).toEqual(noKeys)
    expect(after('/', 'a', '\r', '\u001b')).toEqual(noKeys)
    expect(after('q').isDone).toBe(true)
  })

  it('never scroll out of the picture or type without end, whatever is pressed', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('j', 'k', ' ', 'b', '/', 'x', '\r', '\u001b[B')), (pressed) => {
        const keys = after(...pressed)
        expect(keys.top).toBeGreaterThanOrEqual(0)
        expect(keys.top).toBeLessThanOrEqual(20)
        expect(keys.filter.length).toBeLessThanOrEqual(64)
        expect(keysLine(keys, 30, 10)).not.toBe('')
      }),
    )
  })
})
