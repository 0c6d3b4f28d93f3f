/** Lines of logs as people see them. */
import { expect, it } from 'vitest'
import type { NodeLogLine, NodeLogNotice } from '../../../host/api/index.ts'
import { LogRenderer } from '../../../host/cli/render-logs.ts'

const line: NodeLogLine = {
  seq: 1,
  time: Date.UTC(2026, 10, 22, 12, 3, 7, 120),
  app: 'a',
  version: '2.0.0',
  level: 'info',
  context: '',
  message: 'lit',
  node: 'n1',
  name: 'lobby-1',
}
const view = { now: Date.UTC(2026, 10, 22, 12, 4, 0), utcOffset: 0 }
const renderer = (isOneNode = false, colour = false): LogRenderer => new LogRenderer({ isOneNode, colour })

it('the node is in front, in a column, and left out where one was named', () => {
  const lines = renderer()
  expect(lines.line({ ...line, name: 'lobby-12' })).toBe('12:03:07.120 lobby-12 info  2.0.0 lit\n')
  expect(lines.line({ ...line, level: 'warn', context: 'pump' })).toBe(
    '12:03:07.120 lobby-1  warn  2.0.0 [pump] lit\n',
  )
  expect(renderer(true).line(line)).toBe('12:03:07.120 info  2.0.0 lit\n')
})

it('each node has a colour of its own', () => {
  const lines = renderer(false, true)
  const toneOf = (node: string): string => lines.line({ ...line, node }).split('\u001b')[3] ?? ''
  expect(toneOf('n1')).not.toBe(toneOf('n2'))
  expect(toneOf('n1')).toBe(toneOf('n1'))
})

it('a clock that differs is corrected and marked, and no time at all is an error', () => {
  expect(renderer(true).line({ ...line, behindMs: 3_600_000 })).toBe('13:03:07.120~info  2.0.0 lit\n')
  expect(renderer(true).line({ ...line, time: 0, behindMs: -5_000 })).toMatch(/^00:00:00\.000~info/)
  expect(renderer(true).line({ ...line, time: 8.64e15, behindMs: 9e15 })).toContain('lit')
})

it('nothing that a peer says steers the terminal', () => {
  const text = renderer().line({
    ...line,
    name: 'a\u001b[2J',
    version: '\u0007',
    message: 'x\ry\u001b]0;z\u0007',
  })
  // oxlint-disable-next-line no-control-regex
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/)
})

it.each([
  [
    { notice: 'away', why: 'no route' },
    true,
    /lobby-1 was not reached at .*: no route; what it says comes when/,
  ],
  [{ notice: 'away', why: 'no route' }, false, /its lines are not here/],
  [{ notice: 'back', sinceMs: 120_000 }, true, /reached again after 2 min.*since 12:02/],
  [{ notice: 'missed', count: 212 }, true, /212 lines or more of lobby-1 are gone/],
  [{ notice: 'left-out', count: 3 }, true, /3 more nodes run it, lobby-1 the first of them/],
] as const)('%j is a line of its own', (facts, isFollowed, said) => {
  const notice: NodeLogNotice = { node: 'n1', name: 'lobby-1', at: view.now, ...facts }
  const text = renderer().notice(notice, isFollowed, view)
  expect(text).toMatch(said)
  expect(text).toMatch(/^— .* —\n$/)
})
