/** Where a newcomer looks for members that it has no record of yet. */
import { expect, it } from 'vitest'
import { AddressBook, type AddressBookNeeds } from '../../mesh/address-book.ts'

it('a newcomer tries every address of its invite, not only the last one of each member', () => {
  const told: [string, readonly string[]][] = []
  const addresses = [
    '/ip4/192.0.2.7/tcp/1/p2p/inviter',
    '/ip4/127.0.0.1/tcp/1/p2p/inviter',
    '/ip4/192.0.2.8/tcp/2/p2p/gate',
    '/ip4/192.0.2.9/tcp/2',
    '/ip4/192.0.2.10/tcp/3/p2p/known',
  ]
  const needs = {
    self: 'me',
    credentials: { get: (node: string) => (node === 'me' ? { invite: { record: { addresses } } } : null) },
    records: { get: (node: string) => (node === 'known' ? {} : null) },
    redial: { know: (peer: string, list: readonly string[]) => void told.push([peer, list]) },
  }
  new AddressBook(needs as unknown as AddressBookNeeds).readInvite()
  expect(told).toEqual([
    ['inviter', addresses.slice(0, 2)],
    ['gate', addresses.slice(2, 3)],
  ])
})
