import { describe, expect, it } from 'vitest'
import { decodeCbor, encodeCbor, memoryFolder, signMany } from '../../../core/index.ts'
import {
  AdmissionDesk,
  applyForAdmission,
  decodeCredential,
  encodeCredential,
  nodeIdOf,
  openTrustStore,
  verifyCredential,
  type Invite,
} from '../../../mesh/identity/index.ts'
import { signReceipt } from '../../../mesh/identity/receipt.ts'
import {
  admin,
  application,
  foundingNode,
  inviteTo,
  keyNamed,
  root,
  startOfTime,
  testMesh,
  testNode,
  trustRecord,
} from './harness.ts'
import { powerCut } from './power-cut.ts'

const failing = (code: string) => expect.objectContaining({ code }) as Error

/** An application whose certificate says something else than `applyForAdmission` would let it say. */
function forged(invite: Invite, changes: object, keys = [invite.oneOff, keyNamed('node a')]): Uint8Array {
  const record = {
    v: 1,
    mesh: invite.record.mesh,
    node: keyNamed('node a').publicKey,
    name: 'a',
    groups: ['lobby'],
    roles: ['member'],
    inviteId: invite.id,
    ...changes,
  }
  const certificate = signMany({ purpose: 'certificate', payload: encodeCbor(record), keys })
  return encodeCbor({ v: 1, invite: invite.bytes, certificate })
}

describe('a member that a token is brought to', () => {
  it('lets the node in and gives it a credential that holds together', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(mesh), 'a')
    const admission = await member.desk.redeem(bytes, id)
    expect(admission).toMatchObject({ node: id, name: 'a' })
    const credential = verifyCredential(admission.credential)
    expect(credential.certificate.record).toMatchObject({ name: 'a', groups: ['lobby', 'garage'] })
    expect(credential.receipt.signer).toEqual(member.key.publicKey)
    expect(credential.receipt.record.at).toBe(startOfTime)
  })

  it('refuses the same token to a second node, also when both ask at once', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const invite = inviteTo(mesh)
    const nodes = ['a', 'b'].map((name) => application(invite, name))
    const answers = await Promise.allSettled(nodes.map(({ bytes, id }) => member.desk.redeem(bytes, id)))
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(answers[1]).toMatchObject({ reason: { code: 'ERR_TOKEN_USED' } })
  })

  it('refuses a token that, as it knows, was used at another member', async () => {
    const mesh = await testMesh()
    const [here, there] = [await foundingNode(mesh), await foundingNode(mesh, 'other')]
    const invite = inviteTo(mesh)
    const a = application(invite, 'a')
    const { credential, receipt } = await there.desk.redeem(a.bytes, a.id)
    await here.book.offerChain([credential, there.credential])
    const b = application(invite, 'b')
    await expect(here.desk.redeem(b.bytes, b.id)).rejects.toThrow(failing('ERR_TOKEN_USED'))
    expect((await here.desk.redeem(a.bytes, a.id)).receipt, 'the node itself may ask again').toEqual(receipt)
  })

  it('gives a node that asks again the same receipt, also after the token expired', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(mesh), 'a')
    const first = await member.desk.redeem(bytes, id)
    mesh.clock.time += 86_400_000
    expect(await member.desk.redeem(bytes, id)).toEqual(first)
  })

  it('refuses a node that comes again under another name', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const invite = inviteTo(mesh)
    const { bytes, id } = application(invite, 'a')
    await member.desk.redeem(bytes, id)
    const renamed = applyForAdmission({ invite, nodeKey: keyNamed('node a'), name: 'z' })
    await expect(member.desk.redeem(renamed, id)).rejects.toThrow(failing('ERR_TOKEN_USED'))
  })

  it.each(['before', 'after'] as const)(
    'gives no receipt when the power is cut just %s the use is written, and one when asked again',
    async (when) => {
      const mesh = await testMesh()
      const member = await foundingNode(mesh)
      const { trust, clock } = mesh
      const { book, deskFolder, key: nodeKey } = member
      const invite = inviteTo(mesh)
      const { bytes, id } = application(invite, 'a')
      const failingDesk = new AdmissionDesk({
        trust,
        book,
        folder: powerCut(deskFolder, 0, when),
        nodeKey,
        clock,
      })
      await expect(failingDesk.redeem(bytes, id)).rejects.toThrow('power cut')
      clock.time += 5_000
      const { credential } = await member.desk.redeem(bytes, id)
      expect(verifyCredential(credential).receipt.record.at).toBe(
        startOfTime + (when === 'before' ? 5_000 : 0),
      )
      const other = application(invite, 'b')
      await expect(member.desk.redeem(other.bytes, other.id)).rejects.toThrow(failing('ERR_TOKEN_USED'))
    },
  )

  it('takes a damaged record of use for a use', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(mesh), 'a')
    await member.desk.redeem(bytes, id)
    const [name] = await member.deskFolder.list()
    for (const damage of [new Uint8Array(0), new Uint8Array([0xff]), new Uint8Array(5_000)]) {
      await member.deskFolder.write(name ?? '', damage)
      await expect(member.desk.redeem(bytes, id)).rejects.toThrow(failing('ERR_TOKEN_USED'))
    }
  })

  it('refuses an expired token', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(mesh, { expiresAt: startOfTime }), 'a')
    await expect(member.desk.redeem(bytes, id)).rejects.toThrow(failing('ERR_TOKEN_EXPIRED'))
    expect(await member.deskFolder.list()).toEqual([])
  })

  it('refuses a token of another mesh, even one of the same admin', async () => {
    const [mesh, other] = [await testMesh(), await testMesh(trustRecord({ name: 'other' }))]
    const member = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(other), 'a')
    await expect(member.desk.redeem(bytes, id)).rejects.toThrow(failing('ERR_TOKEN_MESH'))
  })

  it.each(['root', 'publisher', 'somebody'])('refuses a token signed by the %s key', async (name) => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(mesh, { admin: keyNamed(name) }), 'a')
    await expect(member.desk.redeem(bytes, id)).rejects.toThrow(failing('ERR_TOKEN_SIGNER'))
  })

  it('refuses a node that is not the one the certificate names', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const { bytes } = application(inviteTo(mesh), 'a')
    const thief = nodeIdOf(keyNamed('thief').publicKey)
    await expect(member.desk.redeem(bytes, thief)).rejects.toThrow(failing('ERR_APPLICATION_INVALID'))
  })

  it.each<[string, object, string]>([
    ['a group the invite does not give', { groups: ['lobby', 'office'] }, 'ERR_APPLICATION_SCOPE'],
    ['a role the invite does not give', { roles: ['gateway'] }, 'ERR_APPLICATION_SCOPE'],
    ['another name than the invite gives', { name: 'b' }, 'ERR_APPLICATION_SCOPE'],
    ['another invite', { inviteId: 'cd'.repeat(32) }, 'ERR_APPLICATION_INVALID'],
    ['another mesh', { mesh: 'cd'.repeat(32) }, 'ERR_APPLICATION_INVALID'],
    ['a key that did not sign', { node: keyNamed('node b').publicKey }, 'ERR_APPLICATION_INVALID'],
  ])('refuses a certificate with %s', async (_, changes, code) => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const invite = inviteTo(mesh, { name: 'a' })
    const id = nodeIdOf(keyNamed('node a').publicKey)
    await expect(member.desk.redeem(forged(invite, changes), id)).rejects.toThrow(failing(code))
    await expect(member.desk.redeem(forged(invite, {}), id)).resolves.toMatchObject({ node: id })
  })

  it('refuses a certificate without the proof of both keys, or with a third', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const invite = inviteTo(mesh)
    const node = keyNamed('node a')
    const id = nodeIdOf(node.publicKey)
    for (const keys of [
      [node],
      [invite.oneOff],
      [invite.oneOff, admin],
      [node, invite.oneOff],
      [invite.oneOff, node, root],
      [invite.oneOff, node, node],
    ]) {
      const bytes = forged(invite, {}, keys)
      await expect(member.desk.redeem(bytes, id)).rejects.toThrow(failing('ERR_APPLICATION_INVALID'))
    }
  })

  it('refuses an application altered by one byte, at any position', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(mesh), 'a')
    for (let at = 0; at < bytes.length; at++) {
      const altered = bytes.slice()
      altered[at] = (bytes[at] ?? 0) ^ 1
      await expect(member.desk.redeem(altered, id), `byte ${at}`).rejects.toThrow(
        expect.objectContaining({
          code: expect.stringMatching(/^ERR_(APPLICATION|TOKEN)_/) as string,
        }) as Error,
      )
    }
    expect(await member.deskFolder.list()).toEqual([])
  })

  it('admits nobody before it knows the trust of its mesh', async () => {
    const mesh = await testMesh()
    const trust = await openTrustStore({ meshId: mesh.meshId, folder: memoryFolder(), onAlarm: () => {} })
    const member = await testNode({ ...mesh, trust }, 'm')
    const { bytes, id } = application(inviteTo(mesh), 'a')
    await expect(member.desk.redeem(bytes, id)).rejects.toThrow(failing('ERR_TRUST_MISSING'))
  })
})

describe('a newcomer', () => {
  it('may ask for less than its invite gives', async () => {
    const mesh = await testMesh()
    const invite = inviteTo(mesh)
    const bytes = applyForAdmission({
      invite,
      nodeKey: keyNamed('n'),
      name: 'n',
      groups: ['garage'],
      roles: [],
    })
    const member = await foundingNode(mesh)
    const { credential } = await member.desk.redeem(bytes, nodeIdOf(keyNamed('n').publicKey))
    expect(verifyCredential(credential).certificate.record).toMatchObject({ groups: ['garage'], roles: [] })
  })

  it('is told before it asks that its invite does not give this', async () => {
    const invite = inviteTo(await testMesh(), { name: 'garage-1' })
    const ask = (name: string, groups?: string[]) => () =>
      applyForAdmission({ invite, nodeKey: keyNamed('n'), name, groups })
    expect(ask('garage-2')).toThrow(failing('ERR_APPLICATION_SCOPE'))
    expect(ask('garage-1', ['office'])).toThrow('the groups office')
  })
})

describe('a credential', () => {
  it('is refused with a part altered, left out, added, or taken from another', async () => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const admissions = await Promise.all(
      ['a', 'b'].map((name) => {
        const { bytes, id } = application(inviteTo(mesh), name)
        return member.desk.redeem(bytes, id)
      }),
    )
    const [a, b] = admissions.map(({ credential }) => credential) as [Uint8Array, Uint8Array]
    for (let at = 0; at < a.length; at++) {
      const altered = a.slice()
      altered[at] = (a[at] ?? 0) ^ 4
      refused(altered)
    }
    const map = decodeCbor(a, { maxBytes: 1 << 16 }) as Record<string, unknown>
    for (const part of ['v', 'invite', 'certificate', 'receipt'])
      refused(encodeCbor({ ...map, [part]: undefined }))
    refused(encodeCbor({ ...map, extra: 1 }))
    const other = decodeCredential(b)
    refused(encodeCbor({ ...map, receipt: other.receipt }))
    refused(encodeCbor({ ...map, certificate: other.certificate }))
    refused(encodeCbor({ ...map, invite: other.invite }))
  })
})

describe('a receipt', () => {
  it.each<[string, object]>([
    ['mesh', { mesh: 'cd'.repeat(32) }],
    ['node', { node: keyNamed('node b').publicKey }],
    ['invite', { inviteId: 'cd'.repeat(32) }],
    ['certificate', { certificate: 'cd'.repeat(32) }],
  ])('for another %s makes no credential', async (_, changes) => {
    const mesh = await testMesh()
    const member = await foundingNode(mesh)
    const { bytes, id } = application(inviteTo(mesh), 'a')
    const { credential } = await member.desk.redeem(bytes, id)
    const { receipt } = verifyCredential(credential)
    const parts = decodeCredential(credential)
    const signed = (terms: object): Uint8Array =>
      encodeCredential({ ...parts, receipt: signReceipt({ ...receipt.record, ...terms }, member.key) })
    expect(signed({})).toEqual(credential)
    refused(signed(changes))
  })
})

function refused(bytes: Uint8Array): void {
  expect(() => verifyCredential(bytes)).toThrow(failing('ERR_CREDENTIAL_INVALID'))
}
