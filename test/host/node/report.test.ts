import { describe, expect, it } from 'vitest'
import { nodeStatus, problemsOf, releaseEntry } from '../../../host/node/report.ts'
import { readRelease, type HistoryEntry } from '../../../mesh/index.ts'
import { keyNamed } from '../../mesh/identity/harness.ts'
import { releaseRecord } from '../../mesh/releases/harness.ts'
import { signRelease } from '../../../mesh/releases/index.ts'
import { appStatus, heard, member } from './parts.ts'

const moment = { nowMs: 1_000_000, monotonicMs: 10_000 }
const fixOf = (code: string): string => `fix ${code}`

describe('what a node shows of another', () => {
  it('is the other’s own record, with times by the clock of this node', () => {
    const app = appStatus()
    const report = { arch: 'arm64', runtime: 'node 18.20.4', devices: [], apps: [app] }
    expect(nodeStatus(member('garage-1', { held: heard(report, 9_500) }), moment)).toMatchObject({
      name: 'garage-1',
      arch: 'arm64',
      state: 'alive',
      // 6 s before now: the opinion is as old by the monotonic clock.
      stateSince: 994_000,
      rttMs: 1.5,
      recordAgeMs: 500,
      apps: [app],
    })
  })

  it('is little where no record of it ever came', () => {
    expect(nodeStatus(member('new'), moment)).toMatchObject({
      arch: 'unknown',
      runtime: 'unknown',
      recordAgeMs: null,
      devices: [],
      apps: [],
    })
  })

  it('claims no age for a record from its own disk', () => {
    expect(nodeStatus(member('old', { held: heard({}, null) }), moment).recordAgeMs).toBeNull()
  })
})

describe('problems', () => {
  it('stand worst first: alarms, newest first, then the node’s own, then its apps’', () => {
    const reason = { code: 'ERR_GUEST_TRAP', message: 'it trapped', hint: 'see its logs' }
    const next = { version: '2.0.0', seq: 2, state: 'failed' as const, reason: { ...reason, code: 'ERR_B' } }
    const alarms = ['first', 'second'].map((message) => ({ code: 'ERR_FORK', message, evidence: [] }))
    const own = [{ code: 'ERR_NODE_ISOLATED', message: 'cut off', hint: 'wait' }]
    expect(problemsOf(alarms, own, [appStatus({ reason, next })], fixOf)).toEqual([
      { code: 'ERR_FORK', message: 'second', hint: 'fix ERR_FORK' },
      { code: 'ERR_FORK', message: 'first', hint: 'fix ERR_FORK' },
      ...own,
      { code: 'ERR_GUEST_TRAP', message: 'light-alarm: it trapped', hint: 'see its logs' },
      { code: 'ERR_B', message: 'light-alarm: it trapped', hint: 'see its logs' },
    ])
  })

  it('are told once, however often an alarm was raised, and as of the last time', () => {
    const raised = ['a', 'b', 'a'].map((message) => ({ code: 'ERR_FORK', message, evidence: [] }))
    expect(problemsOf(raised, [], [], fixOf).map(({ message }) => message)).toEqual(['a', 'b'])
  })
})

it('a release is shown as it was signed, with who signed it and how it stands here', () => {
  const key = keyNamed('publisher')
  const record = releaseRecord('ab'.repeat(32))
  const entry: HistoryEntry = { ...readRelease(signRelease(key, record)), receivedAt: 7, role: 'head' }
  expect(releaseEntry(entry)).toEqual({
    app: 'light-alarm',
    seq: 1,
    version: '1.0.0',
    digest: entry.digest,
    component: record.component.digest,
    sizeBytes: 12_000,
    publisher: Buffer.from(key.publicKey).toString('hex'),
    signedAt: record.signedAt,
    receivedAt: 7,
    groups: [],
    grants: ['pin:led', 'sensor:light'],
    role: 'head',
  })
})
