import { expect, it } from 'vitest'
import type { AppStatus, Transfer } from '../../../host/api/index.ts'
import { paintFor } from '../../../host/cli/paint.ts'
import { renderApps } from '../../../host/cli/render-apps.ts'
import { partText, sizeText } from '../../../host/cli/text.ts'
import { cameText, comingText, originText } from '../../../host/cli/transfer-text.ts'

const came: Transfer = {
  haveBytes: 1_100_000,
  totalBytes: 1_100_000,
  fetchedBytes: 3_800,
  via: 'patch',
  ms: 320,
}

it('where a component came from is said in bytes', () => {
  expect(cameText(came)).toBe('3.8 KB by patch')
  expect(cameText({ ...came, via: 'peers', fetchedBytes: 1_100_000 })).toBe('1.1 MB from peers')
  expect(originText(came)).toBe('3.8 KB by patch for its 1.1 MB, in 0.3 s')
  expect(originText({ ...came, via: 'peers', fetchedBytes: 1_100_900 })).toBe('1.1 MB from peers, in 0.3 s')
  expect(originText({ ...came, via: 'disk', fetchedBytes: 0 })).toBe('1.1 MB, from this node’s disk')
})

it('what a node of another version calls its way is shown without what a terminal would obey', () => {
  expect(cameText({ ...came, via: 'pigeon\u001b[2J' })).not.toContain('\u001b')
})

it('one on its way says how much there is, of what, and how fast', () => {
  const coming = { ...came, haveBytes: 550_000, via: 'peers', bytesPerSecond: 1_500 }
  expect(comingText(coming)).toBe(' 50 %  0.6 of 1.1 MB  1.5 KB/s from peers')
  expect(comingText({ ...coming, bytesPerSecond: 0, ms: 4_000 })).toBe(
    ' 50 %  0.6 of 1.1 MB  nothing comes: no peer in reach sends it',
  )
  expect(comingText({ ...coming, haveBytes: 310, totalBytes: 812 })).toBe(
    ' 38 %  310 of 812 B  1.5 KB/s from peers',
  )
})

it('status shows how far the first release of an app is, beside which nothing runs', () => {
  const app: AppStatus = {
    app: 'light-alarm',
    version: '1.0.0',
    seq: 1,
    state: 'fetching',
    since: 0,
    failures: 0,
    transfer: { ...came, haveBytes: 495_000, via: 'peers', bytesPerSecond: 1_500 },
  }
  const { beside } = renderApps([app], { now: 4_000, width: 80, paint: paintFor(false) })
  expect(beside).toEqual(['light-alarm 1.0.0 fetching 45 % 4.0 s'])
})

it('sizes are in the unit that a person would take', () => {
  expect([812, 12_100, 999_949, 1_600_000, 999_949_999].map(sizeText)).toEqual([
    '812 B',
    '12.1 KB',
    '999.9 KB',
    '1.6 MB',
    '999.9 MB',
  ])
  expect(sizeText(135_276_600_000)).toBe('135.3 GB')
  expect(partText(500_000_000, 2_000_000_000)).toBe('0.5 of 2.0 GB')
  expect(partText(310, 812)).toBe('310 of 812 B')
})
