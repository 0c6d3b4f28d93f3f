import { beforeEach, describe, expect, it } from 'vitest'
import { encodeCbor } from '../../../core/index.ts'
import { closedGate, createGate } from '../../../mesh/admission/index.ts'
import { maxChain, nodeIdOf } from '../../../mesh/identity/index.ts'
import {
  admit,
  foundingNode,
  inviteTo,
  keyNamed,
  testMesh,
  testNode,
  type TestMesh,
  type TestNode,
} from '../identity/harness.ts'

let mesh: TestMesh
let member: TestNode
let newcomer: TestNode

const gateOf = (node: TestNode, meshId = mesh.meshId): ReturnType<typeof createGate> =>
  createGate({ meshId, self: node.id, credentials: node.book })

/** A member, and a newcomer that it has just let in and that nobody else knows. */
beforeEach(async () => {
  mesh = await testMesh()
  const founder = await foundingNode(mesh)
  member = founder
  newcomer = await testNode(mesh, 'lamp')
  const credential = await admit(member, inviteTo(mesh), 'lamp')
  await newcomer.book.offer(founder.credential)
  await newcomer.book.offer(credential)
})

describe('the gate', () => {
  it('lets two members in that each show their credential and what it rests on', async () => {
    const far = await testNode(mesh, 'far')
    await gateOf(far).check(newcomer.id, await gateOf(newcomer).greet(far.id))
    expect(far.book.isMember(newcomer.id)).toBe(true)
    await gateOf(newcomer).check(member.id, await gateOf(member).greet(newcomer.id))
  })

  it('keeps out who shows somebody else’s credential', async () => {
    const greeting = await gateOf(newcomer).greet(member.id)
    const stranger = nodeIdOf(keyNamed('stranger').publicKey)
    await expect(gateOf(member).check(stranger, greeting)).rejects.toMatchObject({
      code: 'ERR_ADMISSION_STRANGER',
    })
  })

  it('keeps out who has none, and who is of another mesh', async () => {
    const stranger = await testNode(mesh, 'stranger')
    const greeting = await gateOf(stranger).greet(member.id)
    await expect(gateOf(member).check(stranger.id, greeting)).rejects.toMatchObject({
      code: 'ERR_ADMISSION_STRANGER',
    })
    const foreign = await gateOf(newcomer, 'cd'.repeat(32)).greet(member.id)
    await expect(gateOf(member).check(newcomer.id, foreign)).rejects.toMatchObject({
      code: 'ERR_ADMISSION_MESH',
    })
  })

  it.each<[string, () => Uint8Array]>([
    ['no CBOR', () => new Uint8Array([0xff])],
    ['no map', () => encodeCbor(7)],
    ['another version', () => encodeCbor({ v: 2, mesh: mesh.meshId, chain: [] })],
    ['no chain', () => encodeCbor({ v: 1, mesh: mesh.meshId })],
    ['a chain of texts', () => encodeCbor({ v: 1, mesh: mesh.meshId, chain: ['x'] })],
    [
      'an endless chain',
      () =>
        encodeCbor({
          v: 1,
          mesh: mesh.meshId,
          chain: Array.from({ length: maxChain + 1 }, () => new Uint8Array()),
        }),
    ],
  ])('refuses a greeting that is %s', async (_what, greeting) => {
    await expect(gateOf(member).check(newcomer.id, greeting())).rejects.toMatchObject({
      code: 'ERR_ADMISSION_GREETING',
    })
  })
})

it('before a node has joined, its gate is closed to everybody', async () => {
  await expect(closedGate.check(member.id, await gateOf(member).greet('x'))).rejects.toMatchObject({
    code: 'ERR_ADMISSION_STRANGER',
  })
  await expect(gateOf(member).check(newcomer.id, await closedGate.greet(member.id))).rejects.toMatchObject({
    code: 'ERR_ADMISSION_MESH',
  })
})
