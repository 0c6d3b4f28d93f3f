import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { KeyPair } from '../../../core/index.ts'
import {
  encodeCredential,
  signTrust,
  verifyCredential,
  type CredentialBook,
  type Invite,
} from '../../../mesh/identity/index.ts'
import { readApplication } from '../../../mesh/identity/credential.ts'
import { signReceipt } from '../../../mesh/identity/receipt.ts'
import { createGate } from '../../../mesh/admission/index.ts'
import {
  admin,
  admit,
  application,
  foundingNode,
  inviteTo,
  keyNamed,
  root,
  testMesh,
  testNode,
  trustRecord,
  type TestMesh,
} from './harness.ts'
import { adminRevocation, nodeRevocation } from './revocation-harness.ts'

const failing = (code: string) => expect.objectContaining({ code }) as Error
const names = (book: CredentialBook): string[] => book.members().map(({ name }) => name)
const keyOf = (name: string): Uint8Array => keyNamed(`node ${name}`).publicKey

/** founder → a → b → c, each let in by the one before it, and all credentials at an observer. */
async function family(): Promise<{ mesh: TestMesh; book: CredentialBook; credentials: Uint8Array[] }> {
  const mesh = await testMesh()
  const founder = await foundingNode(mesh)
  const credentials = [founder.credential]
  let member = await testNode(mesh, 'founder')
  for (const name of ['a', 'b', 'c']) {
    const { bytes, id } = application(inviteTo(mesh), name)
    credentials.push((await member.desk.redeem(bytes, id)).credential)
    member = await testNode(mesh, name)
  }
  const { book } = await testNode(mesh, 'observer')
  for (const credential of credentials) await book.offer(credential)
  return { mesh, book, credentials }
}

/** A credential that `by` made of a token it knows, for a node of its own. */
function forged(invite: Invite, by: KeyPair, name: string, at = 0): Uint8Array {
  const { certificate } = readApplication(application(invite, name).bytes)
  const { mesh, node, inviteId } = certificate.record
  const receipt = signReceipt({ v: 1, mesh, node, inviteId, certificate: certificate.digest, at }, by)
  return encodeCredential({ invite: invite.bytes, certificate: certificate.bytes, receipt })
}

describe('a revoked node', () => {
  it('is no member any more, nor is whom it let in, and listeners hear of it', async () => {
    const { mesh, book } = await family()
    let heard = 0
    book.onChange(() => (heard += 1))
    await mesh.trust.revocations.offer(nodeRevocation({ mesh: mesh.meshId, key: keyOf('a') }))
    expect(names(book)).toEqual(['founder'])
    expect(heard).toBe(1)
    expect(book.isRevoked(application(inviteTo(mesh), 'a').id)).toBe(true)
    expect(book.isRevoked(application(inviteTo(mesh), 'b').id)).toBe(false)
  })

  it('leaves in the nodes that its revocation lists, and whom these let in', async () => {
    const { mesh, book, credentials } = await family()
    const key = keyOf('a')
    const listed = book.restingOn(key).map(({ certificate }) => certificate.record.node)
    expect(listed).toEqual([keyOf('b')])
    await mesh.trust.revocations.offer(nodeRevocation({ mesh: mesh.meshId, key, nodes: listed }))
    expect(names(book)).toEqual(['b', 'c', 'founder'])
    // Also for a newcomer, who hears of the revocation first.
    const late = await testNode(mesh, 'late')
    for (const credential of credentials) await late.book.offer(credential)
    expect(names(late.book)).toEqual(['b', 'c', 'founder'])
  })

  it('lets nobody in with a receipt that it signs afterwards, whatever date it writes', async () => {
    const { mesh, book } = await family()
    await mesh.trust.revocations.offer(nodeRevocation({ mesh: mesh.meshId, key: keyOf('c') }))
    const credential = forged(inviteTo(mesh), keyNamed('node c'), 'friend', 0)
    expect(await book.offer(credential)).toMatchObject({ outcome: 'revoked' })
    expect(names(book)).not.toContain('friend')
  })

  it('comes back with no other invite, but with another key', async () => {
    const mesh = await testMesh()
    const founder = await foundingNode(mesh)
    await admit(founder, inviteTo(mesh), 'a')
    await mesh.trust.revocations.offer(nodeRevocation({ mesh: mesh.meshId, key: keyOf('a') }))
    mesh.clock.time += 1
    await admit(founder, inviteTo(mesh), 'a')
    expect(names(founder.book)).toEqual(['founder'])
    await admit(founder, inviteTo(mesh), 'a-again')
    expect(names(founder.book)).toEqual(['a-again', 'founder'])
  })

  it('keeps the place that it took: no other use of its token rises when it falls', async () => {
    const mesh = await testMesh()
    const [left, right] = [await foundingNode(mesh, 'left'), await foundingNode(mesh, 'right')]
    const invite = inviteTo(mesh)
    const uses = [await admit(left, invite, 'x'), await admit(right, invite, 'y')]
    const { book } = await testNode(mesh, 'observer')
    for (const credential of [left.credential, right.credential, ...uses]) await book.offer(credential)
    const [stands] = names(book).filter((name) => name === 'x' || name === 'y')
    await mesh.trust.revocations.offer(nodeRevocation({ mesh: mesh.meshId, key: keyOf(stands!) }))
    expect(names(book)).toEqual(['left', 'right'])
    expect(book.byInvite(invite.id)?.certificate.record.name).toBe(stands)
  })

  it('is refused at the door by that name', async () => {
    const { mesh, book, credentials } = await family()
    const gate = createGate({ meshId: mesh.meshId, self: 'self', credentials: book })
    await mesh.trust.revocations.offer(nodeRevocation({ mesh: mesh.meshId, key: keyOf('c') }))
    const remote = verifyCredential(credentials[3]!).node
    const itsBook = (await family()).book
    const greeting = await createGate({ meshId: mesh.meshId, self: remote, credentials: itsBook }).greet(
      'self',
    )
    await expect(gate.check(remote, greeting)).rejects.toThrow(failing('ERR_ADMISSION_REVOKED'))
  })
})

describe('a revoked admin', () => {
  it('lets nobody in any more, and takes along whom it let in, but for those listed', async () => {
    const { mesh, book } = await family()
    const nodes = ['founder', 'a'].map(keyOf)
    await mesh.trust.revocations.offer(adminRevocation({ mesh: mesh.meshId, key: admin.publicKey, nodes }))
    expect(names(book)).toEqual(['a', 'founder'])
    expect(mesh.trust.isAdmin(admin.publicKey)).toBe(false)
  })

  it('has no open invites left: the desk refuses them', async () => {
    const mesh = await testMesh()
    const founder = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(mesh), 'late')
    const key = admin.publicKey
    await mesh.trust.revocations.offer(adminRevocation({ mesh: mesh.meshId, key, nodes: [keyOf('founder')] }))
    await expect(founder.desk.redeem(bytes, id)).rejects.toThrow(failing('ERR_TOKEN_SIGNER'))
    expect(names(founder.book)).toEqual(['founder'])
  })

  it('cannot vouch for nodes with old dates after it was removed, where it was revoked as well', async () => {
    const mesh = await testMesh()
    const founder = await foundingNode(mesh)
    const next = keyNamed('next admin')
    const record = trustRecord({ mesh: mesh.meshId, version: 2, admins: [next.publicKey] })
    await mesh.trust.offer(signTrust(record, [root]))
    // Removed alone, its word of before counts, and nobody can tell when it was given.
    await founder.book.offer(forged(inviteTo(mesh), admin, 'friend', 0))
    expect(names(founder.book)).toEqual(['founder', 'friend'])
    const nodes = [keyOf('founder')]
    await mesh.trust.revocations.offer(adminRevocation({ mesh: mesh.meshId, key: admin.publicKey, nodes }))
    expect(names(founder.book)).toEqual(['founder'])
    await founder.book.offer(forged(inviteTo(mesh), admin, 'another', 0))
    expect(names(founder.book)).toEqual(['founder'])
  })

  it('is asked of all its revocations: what one of them does not list is out', async () => {
    const { mesh, book } = await family()
    for (const list of [
      ['founder', 'a', 'b'],
      ['founder', 'b', 'c'],
    ]) {
      const nodes = list.map(keyOf)
      await mesh.trust.revocations.offer(adminRevocation({ mesh: mesh.meshId, key: admin.publicKey, nodes }))
    }
    // b rests on a, who is out.
    expect(names(book)).toEqual(['founder'])
  })
})

describe('a member that knows the token of another node', () => {
  it('cannot turn it out by choosing among receipts, nor among nodes of its own that vouch', async () => {
    const mesh = await testMesh()
    const founder = await foundingNode(mesh)
    const invite = inviteTo(mesh)
    const owner = await admit(founder, invite, 'owner')
    const held = verifyCredential(owner).receipt.digest
    const insider = keyNamed('node insider')
    const admitted = await admit(founder, inviteTo(mesh), 'insider')
    const tries: Uint8Array[] = []
    for (let at = 0; tries.length < 3; at++) {
      const credential = forged(invite, insider, 'mine', at)
      if (verifyCredential(credential).receipt.digest < held) tries.push(credential)
    }
    // Nodes that it makes of the same token, and whose key it may choose, vouch for the next.
    const middle = forged(invite, insider, 'middle', 5)
    for (let index = 0; index < 8; index++)
      tries.push(forged(invite, keyNamed('node middle'), `far-${index}`))
    for (const order of [
      [middle, ...tries],
      [...tries, middle, ...tries],
    ]) {
      const { book, alarms } = await testNode(mesh, 'observer')
      for (const credential of [founder.credential, admitted, owner, ...order]) await book.offer(credential)
      expect(names(book)).toEqual(['founder', 'insider', 'owner'])
      expect(alarms[0]).toMatchObject({ code: 'ERR_INVITE_TWICE' })
      expect(alarms.every(({ evidence }) => Buffer.compare(evidence[0]!, owner) === 0)).toBe(true)
    }
  })

  it('gives the node back where it stood before, once the member is revoked', async () => {
    const mesh = await testMesh()
    const [left, right] = [await foundingNode(mesh, 'left'), await foundingNode(mesh, 'right')]
    const invite = inviteTo(mesh)
    const owner = await admit(left, invite, 'owner')
    const mine = await admit(right, invite, 'mine')
    const { book } = await testNode(mesh, 'observer')
    for (const credential of [left.credential, right.credential, owner, mine]) await book.offer(credential)
    const liar = names(book).includes('mine') ? 'right' : 'left'
    const [victim] = ['owner', 'mine'].filter((name) => !names(book).includes(name))
    await mesh.trust.revocations.offer(nodeRevocation({ mesh: mesh.meshId, key: keyOf(liar) }))
    expect(names(book)).toEqual([liar === 'left' ? 'right' : 'left', victim].sort())
  })

  it('ends in the same members on books that heard of everything in any order', async () => {
    const mesh = await testMesh()
    const founder = await foundingNode(mesh)
    const invite = inviteTo(mesh)
    const owner = await admit(founder, invite, 'owner')
    const insider = await admit(founder, inviteTo(mesh), 'insider')
    const others = [0, 1, 2].map((at) => forged(invite, keyNamed('node insider'), `mine-${at}`, at))
    const guest = await admit(await testNode(mesh, 'insider'), inviteTo(mesh), 'guest')
    const revocation = nodeRevocation({ mesh: mesh.meshId, key: keyOf('insider'), nodes: [keyOf('guest')] })
    const news: (Uint8Array | 'revocation')[] = [owner, insider, ...others, guest, 'revocation']
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(news, { minLength: news.length }), async (order) => {
        const own = await testMesh()
        const { book } = await testNode(own, 'observer')
        await book.offer(founder.credential)
        for (const item of [...order, ...order]) {
          if (item === 'revocation') await own.trust.revocations.offer(revocation)
          else await book.offer(item)
        }
        seen.add(names(book).join())
        expect([...seen]).toEqual(['founder,guest,owner'])
      }),
      { numRuns: 40 },
    )
  })
})
