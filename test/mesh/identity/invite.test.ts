import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor, isSelvedgeError } from '../../../core/index.ts'
import { issueInvite, readInvite } from '../../../mesh/identity/index.ts'
import { admin, root, seededRandom, startOfTime } from './harness.ts'

const mesh = 'ab'.repeat(32)
const terms = {
  admin,
  mesh,
  roots: [root.publicKey],
  addresses: ['/ip4/192.168.1.7/tcp/4001', '/dns4/harbor.local/tcp/4001'],
  groups: ['garage'],
  roles: ['member'],
  name: 'garage-1',
  expiresAt: startOfTime + 1_000,
  random: seededRandom('invite'),
}
const { token, inviteId } = issueInvite(terms)
const failing = (code: string) => expect.objectContaining({ code }) as Error

describe('an invite token', () => {
  it('is one line that carries the invite and its one-off key', () => {
    expect(token).toMatch(/^selvedge-invite-1\.[A-Za-z0-9_-]+$/)
    const invite = readInvite(`  ${token}\n`)
    expect(invite.id).toBe(inviteId)
    expect(invite.admin).toEqual(admin.publicKey)
    expect(invite.oneOff.publicKey).toEqual(invite.record.key)
    const { mesh, addresses, groups, roles, name, expiresAt } = invite.record
    expect({ mesh, addresses, groups, roles, name, expiresAt }).toEqual({
      mesh: terms.mesh,
      addresses: terms.addresses,
      groups: terms.groups,
      roles: terms.roles,
      name: terms.name,
      expiresAt: terms.expiresAt,
    })
  })

  it('is refused with any one character changed, left out or cut off', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: token.length - 1 }),
        fc.constantFrom('A', '_', '.', 'é', ''),
        (at, character) => {
          const altered = token.slice(0, at) + character + token.slice(at + 1)
          fc.pre(altered !== token)
          expect(() => readInvite(altered)).toThrow(failing('ERR_TOKEN_MALFORMED'))
          expect(() => readInvite(token.slice(0, at))).toThrow(failing('ERR_TOKEN_MALFORMED'))
        },
      ),
      { numRuns: 500 },
    )
  })

  it.each([
    ['nothing', ''],
    ['another word', 'hello'],
    ['a token of another version', token.replace('invite-1', 'invite-2')],
    ['two tokens', token + token],
    ['far too much', `selvedge-invite-1.${'A'.repeat(100_000)}`],
    ['CBOR that is no token', `selvedge-invite-1.${Buffer.from(encodeCbor([1, 2])).toString('base64url')}`],
  ])('is refused where it is %s', (_, text) => {
    expect(() => readInvite(text)).toThrow(failing('ERR_TOKEN_MALFORMED'))
  })

  it('answers any text with ERR_TOKEN_MALFORMED', () => {
    fc.assert(
      fc.property(fc.string(), fc.uint8Array(), (text, bytes) => {
        for (const candidate of [text, `selvedge-invite-1.${Buffer.from(bytes).toString('base64url')}`]) {
          expect(() => readInvite(candidate)).toThrow(failing('ERR_TOKEN_MALFORMED'))
        }
      }),
    )
  })

  it('is refused with the one-off key of another', () => {
    const other = readInvite(issueInvite({ ...terms, random: seededRandom('other') }).token)
    const mixed = encodeCbor([other.bytes, seededRandom('invite').bytes(32)])
    const text = `selvedge-invite-1.${Buffer.from(mixed).toString('base64url')}`
    expect(() => readInvite(text)).toThrow('its key is not the one that was signed')
  })

  it('is refused from the moment it expires, by who has a clock', () => {
    expect(() => readInvite(token, { now: startOfTime + 1_000 })).toThrow(failing('ERR_TOKEN_EXPIRED'))
    // It may be the clock that is wrong, not the token that is old.
    expect(() => readInvite(token, { now: startOfTime + 1_000 })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('clock') as string }),
    )
    expect(readInvite(token, { now: startOfTime + 999 }).id).toBe(inviteId)
    expect(readInvite(token).id).toBe(inviteId)
  })

  it('is refused by who expects another mesh', () => {
    expect(() => readInvite(token, { mesh: 'cd'.repeat(32) })).toThrow(failing('ERR_TOKEN_MESH'))
    expect(readInvite(token, { mesh }).id).toBe(inviteId)
  })

  it.each<[string, object]>([
    ['a group that is no name', { groups: ['Lobby!'] }],
    ['a group twice', { groups: ['a', 'a'] }],
    ['an address that is none', { addresses: ['localhost:80'] }],
    [
      'too many addresses',
      { addresses: Array.from({ length: 17 }, (_, port) => `/ip4/10.0.0.1/tcp/${port}`) },
    ],
    ['a name that is none', { name: 'a b' }],
    ['an expiry no date can hold', { expiresAt: 9e15 }],
  ])('is not issued with %s', (_, changes) => {
    try {
      issueInvite({ ...terms, ...changes })
      expect.fail('a token was issued')
    } catch (error) {
      expect(isSelvedgeError(error, 'ERR_TOKEN_MALFORMED')).toBe(true)
    }
  })

  it('is another one each time', () => {
    const random = seededRandom('again')
    const keys = [1, 2].map(() => readInvite(issueInvite({ ...terms, random }).token))
    expect(keys[0]?.id).not.toBe(keys[1]?.id)
  })
})
