/** What the network refuses, seen by the node. */
import { expect, it } from 'vitest'
import { MeshCounters } from '../../mesh/counters.ts'
import type { Alarm } from '../../mesh/identity/index.ts'
import { witnessPeers } from '../../mesh/peer-witness.ts'

it('a node that members turn away as revoked says so once, and believes no stranger', () => {
  const alarms: Alarm[] = []
  let refused!: (refusal: { peer: string; by: 'us' | 'them'; code: string; message: string }) => void
  const transport = {
    on: (event: string, handler: typeof refused) => {
      if (event === 'peer:refused') refused = handler
      return () => {}
    },
  }
  const stores = {
    witness: {},
    onAlarm: (alarm: Alarm) => void alarms.push(alarm),
    credentials: { isMember: (peer: string) => peer !== 'stranger' },
  }
  witnessPeers(transport as never, new MeshCounters(), stores as never, 'self')
  const revoked = { by: 'them', code: 'ERR_ADMISSION_REVOKED', message: 'it was revoked' } as const
  refused({ ...revoked, peer: 'stranger' })
  refused({ ...revoked, peer: 'lobby-1', code: 'ERR_ADMISSION_STRANGER' })
  expect(alarms).toEqual([])
  refused({ ...revoked, peer: 'lobby-1' })
  refused({ ...revoked, peer: 'lobby-2' })
  expect(alarms).toEqual([
    {
      code: 'ERR_ADMISSION_TURNED_OUT',
      message: 'lobby-1 says that self, this node, was revoked, and does not let it in',
      evidence: [],
    },
  ])
})
