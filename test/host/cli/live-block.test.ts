import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canRewrite, LiveBlock } from '../../../host/cli/live-block.ts'
import { cutTo } from '../../../host/cli/text-cut.ts'
import { VirtualTerminal } from './virtual-terminal.ts'

const lineOf = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '━', '●'), maxLength: 60 })

describe('lines that are rewritten in place', () => {
  it('show the last drawing, whatever was drawn before, and leave what stands above alone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(lineOf, { maxLength: 8 }), { minLength: 1, maxLength: 8 }),
        (drawings) => {
          const terminal = new VirtualTerminal(40, 24)
          terminal.write('above\n')
          const block = new LiveBlock(terminal)
          for (const lines of drawings) block.draw(lines)
          const last = (drawings.at(-1) ?? []).map((line) => cutTo(line, 39).trimEnd())
          while (last.at(-1) === '') last.pop()
          expect(terminal.screen).toEqual(['above', ...last])
        },
      ),
    )
  })

  it('do not write at all where nothing has changed, and each drawing at once', () => {
    const terminal = new VirtualTerminal(40, 24)
    const block = new LiveBlock(terminal)
    for (const lines of [
      ['one', 'two'],
      ['one', 'two'],
      ['one', 'three'],
    ])
      block.draw(lines)
    expect([terminal.writes, terminal.screen]).toEqual([2, ['one', 'three']])
  })

  it('are drawn in the same place after the terminal became narrower and wrapped them', () => {
    const terminal = new VirtualTerminal(60, 24)
    terminal.write('above\n')
    const block = new LiveBlock(terminal)
    block.draw(['x'.repeat(50), 'short', 'y'.repeat(59)])
    terminal.resize(20)
    block.draw(['x'.repeat(50), 'short', 'y'.repeat(59)])
    expect(terminal.screen).toEqual(['above', `${'x'.repeat(18)}…`, 'short', `${'y'.repeat(18)}…`])
    terminal.resize(80)
    block.draw(['x'.repeat(50), 'short'])
    expect(terminal.screen).toEqual(['above', 'x'.repeat(50), 'short'])
  })

  it('are for a terminal that can move its cursor', () => {
    const terminal = new VirtualTerminal(40, 24)
    expect(canRewrite(terminal, { TERM: 'xterm-256color' })).toBe(true)
    expect(canRewrite(terminal, { TERM: 'dumb' })).toBe(false)
    expect(canRewrite({ ...terminal, isTTY: false, write: () => {} }, {})).toBe(false)
  })
})

describe('a line that is too long', () => {
  it('ends in an ellipsis, and its colour with it', () => {
    expect(cutTo('light-alarm', 11)).toBe('light-alarm')
    expect(cutTo('light-alarm', 6)).toBe('light…')
    expect(cutTo('\u001b[31mlight-alarm\u001b[39m', 6)).toBe('\u001b[31mlight…\u001b[0m')
  })
})
