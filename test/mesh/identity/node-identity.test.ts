import { stat, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  fileProblems,
  memoryFolder,
  openFolder,
  systemRandom,
  type DurableFolder,
} from '../../../core/index.ts'
import { nodeIdOf, openNodeIdentity, type Alarm } from '../../../mesh/identity/index.ts'
import { foundingNode, seededRandom, testMesh } from './harness.ts'
import { powerCut } from './power-cut.ts'

const mesh = 'ab'.repeat(32)
const credential = new Uint8Array([1, 2, 3])

describe('the identity of a data folder', () => {
  it('stays the same node over restarts, and counts its boots', async () => {
    const folder = memoryFolder()
    const first = await openNodeIdentity(folder, systemRandom)
    const second = await openNodeIdentity(folder, systemRandom)
    expect(second.nodeId).toBe(first.nodeId)
    expect(first.nodeId).toBe(nodeIdOf(first.key.publicKey))
    expect([first.boot, second.boot]).toEqual([1, 2])
    expect(second.bootNonce).not.toEqual(first.bootNonce)
  })

  it('is alone, then founding, then joined, each surviving a restart', async () => {
    const folder = memoryFolder()
    const random = seededRandom('identity')
    expect((await openNodeIdentity(folder, random)).state).toBe('alone')
    await (await openNodeIdentity(folder, random)).found(mesh)
    const founding = await openNodeIdentity(folder, random)
    expect([founding.state, founding.meshId]).toEqual(['founding', mesh])
    await founding.join(mesh, credential)
    await founding.found(mesh)
    const joined = await openNodeIdentity(folder, random)
    expect([joined.state, joined.credential]).toEqual(['joined', credential])
  })

  it('refuses to become a member of another mesh', async () => {
    const identity = await openNodeIdentity(memoryFolder(), systemRandom)
    await identity.found(mesh)
    await expect(identity.join('cd'.repeat(32), credential)).rejects.toMatchObject({
      code: 'ERR_IDENTITY_MESH',
    })
    expect(identity.meshId).toBe(mesh)
  })

  it('jumps above a boot of its own that it had forgotten, and never back', async () => {
    const folder = memoryFolder()
    const identity = await openNodeIdentity(folder, systemRandom)
    await identity.raiseBoot(41)
    await identity.raiseBoot(7)
    expect(identity.boot).toBe(42)
    expect((await openNodeIdentity(folder, systemRandom)).boot).toBe(43)
  })

  it('starts on a full disk under a number that no other start has, where it was before, and is not made there', async () => {
    const disk = memoryFolder()
    let isFull = true
    const folder: DurableFolder = {
      ...disk,
      write: async (name, bytes) => {
        if (isFull) throw fileProblems.error('ERR_DISK_FULL', 'no space left')
        await disk.write(name, bytes)
      },
    }
    await expect(openNodeIdentity(folder, systemRandom)).rejects.toMatchObject({ code: 'ERR_DISK_FULL' })
    isFull = false
    expect((await openNodeIdentity(folder, systemRandom)).boot).toBe(1)
    isFull = true
    const uncounted = await openNodeIdentity(folder, seededRandom('full'))
    expect(uncounted.boot).toBeGreaterThan(2)
    isFull = false
    const next = await openNodeIdentity(folder, systemRandom)
    expect(next.boot).toBe(2)
    await next.raiseBoot(uncounted.boot)
    expect(next.boot).toBe(uncounted.boot + 1)
  })

  it('refuses to start as somebody else where its key is damaged', async () => {
    for (const name of ['node-key.cbor', 'mesh.cbor']) {
      const folder = memoryFolder()
      await (await openNodeIdentity(folder, systemRandom)).found(mesh)
      await folder.write(name, new Uint8Array([1, 2, 3]))
      await expect(openNodeIdentity(folder, systemRandom)).rejects.toMatchObject({
        code: 'ERR_IDENTITY_DAMAGED',
      })
    }
  })

  it('survives a damaged boot counter, and says so', async () => {
    const folder = memoryFolder()
    const { nodeId } = await openNodeIdentity(folder, systemRandom)
    await folder.write('boot.cbor', new Uint8Array([9]))
    const alarms: Alarm[] = []
    const identity = await openNodeIdentity(folder, systemRandom, (alarm) => alarms.push(alarm))
    expect([identity.nodeId, identity.boot]).toEqual([nodeId, 1])
    expect(alarms).toMatchObject([{ code: 'ERR_STORED_DAMAGED' }])
  })

  it.each(['before', 'after'] as const)('is one node whenever the power is cut, %s a write', async (when) => {
    for (const atWrite of [0, 1]) {
      const folder = memoryFolder()
      const cut = powerCut(folder, atWrite, when)
      await expect(openNodeIdentity(cut, seededRandom('first'))).rejects.toThrow('power cut')
      const kept = (await folder.list()).includes('node-key.cbor')
      const next = await openNodeIdentity(folder, seededRandom('second'))
      const firstSeed = seededRandom('first').bytes(32)
      expect(Buffer.compare(next.seed, firstSeed) === 0).toBe(kept)
      expect((await openNodeIdentity(folder, systemRandom)).nodeId).toBe(next.nodeId)
    }
  })

  it('keeps its key where only its owner can read it', async () => {
    const path = await mkdtemp(join(tmpdir(), 'selvedge-node-'))
    try {
      await openNodeIdentity(await openFolder(join(path, 'identity')), systemRandom)
      expect((await stat(join(path, 'identity', 'node-key.cbor'))).mode & 0o777).toBe(0o600)
    } finally {
      await rm(path, { recursive: true, force: true })
    }
  })

  it('has room for a real credential', async () => {
    const founder = await foundingNode(await testMesh())
    const folder = memoryFolder()
    await (await openNodeIdentity(folder, systemRandom)).join(mesh, founder.credential)
    expect((await openNodeIdentity(folder, systemRandom)).credential).toEqual(founder.credential)
  })
})
