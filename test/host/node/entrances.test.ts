/** Where an invite leads, of a node that others can dial and of one that they cannot. */
import { expect, it } from 'vitest'
import { entrancesOf } from '../../../host/node/entrances.ts'
import type { Mesh } from '../../../mesh/index.ts'

function mesh(places: readonly string[], isReachable: boolean | null, own = ['/ip4/10.0.0.7/tcp/1/p2p/me']) {
  const of = (id: string, addresses: readonly string[]) => ({
    id,
    held: { record: { report: { addresses } } },
  })
  return {
    addresses: () => own,
    gateways: { places, isReachable, serving: null, problem: null },
    members: () => [
      of('me', own),
      of('gate', [
        '/ip4/1.2.3.4/tcp/2',
        '/ip4/1.2.3.4/tcp/2/p2p/gate',
        '/ip4/9.9.9.9/tcp/3/p2p/x/p2p-circuit/p2p/gate',
      ]),
      of('other', ['/ip4/5.6.7.8/tcp/4/p2p/other']),
      { id: 'new', held: null },
    ],
  } as unknown as Pick<Mesh, 'addresses' | 'members' | 'gateways'>
}

it('an invite of a node that is reached leads to it alone', () => {
  expect(entrancesOf(mesh([], true))).toEqual(['/ip4/10.0.0.7/tcp/1/p2p/me'])
})

it('an invite of a node that nobody can dial leads to its gateways first, directly', () => {
  expect(entrancesOf(mesh(['gate', 'new'], false))).toEqual([
    '/ip4/1.2.3.4/tcp/2/p2p/gate',
    '/ip4/10.0.0.7/tcp/1/p2p/me',
  ])
  expect(entrancesOf(mesh(['gate'], false, []))).toEqual(['/ip4/1.2.3.4/tcp/2/p2p/gate'])
  const many = Array.from({ length: 30 }, (_, at) => `/ip4/10.0.0.7/tcp/${at + 1}/p2p/me`)
  expect(entrancesOf(mesh(['gate'], null, many))).toHaveLength(9)
})
