/** What a node may say of its messages. */
import type { MessageReport } from '../../../host/api/index.ts'
import { sampleNow } from './sample-status.ts'

const journal = {
  items: 3,
  bytes: 1_200,
  mostItems: 50_000,
  mostBytes: 64 * 2 ** 20,
  whenFull: 'refuse',
  dropped: 0,
  duplicates: 0,
} as const

export const sampleMessages: MessageReport = {
  topics: [
    {
      topic: 'shop/door',
      scope: 'group',
      keepMs: 3_600_000,
      declaredBy: [
        { app: 'door', scope: 'mesh' },
        { app: 'till', scope: 'group' },
      ],
      heardBy: ['app/till/shop/door'],
      nodes: ['lobby-2', 'lobby-3'],
      leaving: 3,
      arrived: 0,
    },
    {
      topic: 'light',
      scope: 'node',
      keepMs: null,
      declaredBy: [],
      heardBy: [],
      nodes: [],
      leaving: 0,
      arrived: 0,
    },
  ],
  waiting: [
    {
      for: 'lobby-3',
      kind: 'node',
      state: 'away',
      waiting: 3,
      oldestMs: sampleNow - 240_000,
      lastError: null,
      topics: { 'shop/door': 3 },
    },
    {
      for: 'app/till/shop/door',
      kind: 'subscription',
      state: 'read',
      waiting: 0,
      oldestMs: null,
      lastError: null,
      topics: {},
    },
  ],
  journals: { out: journal, in: { ...journal, items: 0, bytes: 0 } },
  counts: {
    published: 7,
    received: 0,
    refused: 0,
    delivered: 11,
    expired: 1,
    unwanted: 0,
    damaged: 0,
    requests: 3,
    replies: 2,
    unanswered: 1,
    handled: 7,
    failed: 0,
  },
  isPartial: false,
}
