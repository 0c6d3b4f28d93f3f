/** Times of the day for people, whatever they are made of. */
import { expect, it } from 'vitest'
import { timeText } from '../../../host/cli/time-text.ts'

const view = { now: Date.UTC(2026, 10, 22, 14, 2, 7), utcOffset: 60 }

it('is the time on the wall, with seconds where that was just now, and with its day where that was another', () => {
  expect(timeText(view.now, view)).toBe('15:02:07')
  expect(timeText(view.now - 3_600_000, view)).toBe('14:02')
  expect(timeText(view.now - 3 * 86_400_000, view)).toBe('19 Nov 15:02')
})

it.each([-Infinity, -9e15, 8.64e15, Infinity])(
  'shows something of %d, which no date here can name',
  (atMs) => {
    expect(timeText(atMs, view)).toMatch(/^\d+ [A-Z][a-z]{2} \d\d:\d\d$/)
  },
)
