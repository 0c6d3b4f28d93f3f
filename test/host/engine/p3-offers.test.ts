/** What `selvedge interfaces` lists of WASI 0.3. */
import { expect, test } from 'vitest'
import { allP3Offers } from '../../../host/engine/index.ts'
import { interfaceOffers } from '../../../host/interfaces/index.ts'

test('the client of 0.3 takes the grant that the outgoing handler of 0.2 takes', () => {
  const client = allP3Offers(interfaceOffers).find(({ id }) => id === 'wasi:http/client@0.3.0')
  expect(client).toMatchObject({ grantKind: 'http' })
})

test('no client is listed where no requests can be sent', () => {
  expect(allP3Offers([]).map(({ id }) => id)).not.toContain('wasi:http/client@0.3.0')
})

test('each interface is listed once, with what it is for', () => {
  const offers = allP3Offers(interfaceOffers)
  expect(new Set(offers.map(({ id }) => id)).size).toBe(offers.length)
  for (const { id, summary } of offers)
    expect([id, summary]).toEqual([expect.stringMatching(/^wasi:.+@0\.3\.0$/), expect.stringMatching(/\w/)])
})
