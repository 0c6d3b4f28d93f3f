import { expect, it } from 'vitest'
import type { GroupStoreReport } from '../../../host/replicas/index.ts'
import { storeProblems } from '../../../host/replicas/index.ts'

const fine: GroupStoreReport = {
  app: 'counter',
  group: 'lobby',
  members: 3,
  buckets: ['counts'],
  held: { items: 1, bytes: 100 },
  aheadMs: 0,
  peers: 2,
  equal: 2,
  clamped: 0,
  clampedFrom: null,
  differed: 0,
  isFull: false,
  lives: 900,
  failure: null,
}

it('says of a store that nodes will soon no longer bring each other up to date, long before', () => {
  expect(storeProblems([fine], String)).toEqual([])
  expect(storeProblems([{ ...fine, lives: 12_288 }], String)).toEqual([
    {
      code: 'ERR_GROUP_STORE_LIVES',
      message: 'counter: the nodes of the group lobby were started and wrote 12288 times; 16384 are the most',
      hint: expect.stringContaining('which node is started again and again'),
    },
  ])
})
