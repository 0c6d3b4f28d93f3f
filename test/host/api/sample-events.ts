/** Events of an app: one that waits to be tried again, and two that were given up. */
import type { EventReport } from '../../../host/api/index.ts'

export const sampleEvents: EventReport = {
  app: 'light-alarm',
  counts: { waiting: 1, taken: 0, dead: 2, bytes: 412, dropped: 0 },
  waiting: [
    {
      item: 9,
      id: 1_204,
      kind: 'cron',
      key: null,
      attempts: 2,
      addedMs: 1_700_000_000_000,
      sizeBytes: 61,
      payload: '{"schedule":"0 6 * * *","timeMs":1700000000000,"missed":0}',
      lastError: 'it was answered with an error: no such threshold',
    },
  ],
  dead: [4, 7].map((item) => ({
    item,
    id: 1_000 + item,
    kind: 'pin',
    key: 'door',
    attempts: 5,
    addedMs: 1_700_000_000_000,
    sizeBytes: 40,
    payload: '{"pin":"door","level":true,"timeMs":1700000000000}',
    lastError: 'the instance ended (trap): unreachable',
    diedMs: 1_700_000_060_000,
  })),
}
