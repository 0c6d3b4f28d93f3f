/** Every store of the mesh on a disk that fails at random: what was acknowledged stays, and nothing goes back. */
import { expect, test } from 'vitest'
import { memoryFolder, type DurableFolder } from '../../../core/index.ts'
import { AdmissionDesk, openCredentialBook, openTrustStore, signTrust } from '../../../mesh/identity/index.ts'
import { openReleaseLog } from '../../../mesh/releases/index.ts'
import { SeededRandom } from '../../sim/index.ts'
import { faultyDisk } from '../faulty-folder.ts'
import {
  admit,
  application,
  foundingNode,
  inviteTo,
  keyNamed,
  root,
  testMesh,
  testNode,
  trustRecord,
} from '../identity/harness.ts'
import { release } from '../releases/harness.ts'

const seeds = Array.from({ length: 40 }, (_, index) => index + 1)
const onAlarm = (): void => {}

function passOverFaults(error: Error): void {
  if (error.name === 'AssertionError') throw error
}

/** Runs `step` again and again; now and then the process is killed and `open` starts it anew. */
async function live<Store>(
  random: SeededRandom,
  open: (folder: DurableFolder) => Promise<Store>,
  step: (store: Store, round: number) => Promise<void>,
): Promise<Store> {
  const memory = memoryFolder()
  const disk = faultyDisk(memory, random)
  let store: Store | null = null
  for (let round = 0; round < 30; round++) {
    disk.faults = 0.3
    if (store === null || random.chance(0.3)) store = await open(disk.folder).catch(() => null)
    if (store !== null) await step(store, round).catch(passOverFaults)
  }
  disk.faults = 0
  return open(memory)
}

test.each(seeds)(
  'releases that were acknowledged stay, and numbers never go back [seed %i]',
  async (seed) => {
    const random = new SeededRandom(seed)
    const mesh = await testMesh()
    const releases = Array.from({ length: 8 }, (_, index) => release(mesh, { seq: index + 1 }))
    let highest = 0
    const open = (folder: DurableFolder) =>
      openReleaseLog({ trust: mesh.trust, folder, clock: mesh.clock, onAlarm })
    const log = await live(random, open, async (store) => {
      const { outcome, record } = await store.offer(random.pick(releases))
      const head = store.head('light-alarm')?.record.seq ?? 0
      expect(head).toBeGreaterThanOrEqual(highest)
      if (outcome === 'accepted') highest = Math.max(highest, record.seq)
    })
    expect(log.head('light-alarm')?.record.seq ?? 0).toBeGreaterThanOrEqual(highest)
  },
)

test.each(seeds)('members that were acknowledged stay [seed %i]', async (seed) => {
  const random = new SeededRandom(seed)
  const mesh = await testMesh()
  const founder = await foundingNode(mesh)
  const credentials = [founder.credential]
  for (let index = 0; index < 5; index++) credentials.push(await admit(founder, inviteTo(mesh), `n${index}`))
  const acknowledged = new Set<string>()
  const open = (folder: DurableFolder) => openCredentialBook({ trust: mesh.trust, folder, onAlarm })
  const book = await live(random, open, async (store) => {
    const { outcome, node } = await store.offer(random.pick(credentials))
    if (outcome === 'accepted' || outcome === 'known') acknowledged.add(node)
  })
  for (const node of acknowledged) expect(book.isMember(node)).toBe(true)
})

test.each(seeds)('an invite lets in one node, whatever the disk does [seed %i]', async (seed) => {
  const random = new SeededRandom(seed)
  const mesh = await testMesh()
  const { book, key } = await testNode(mesh, 'founder')
  const invite = inviteTo(mesh)
  const names = ['x', 'y', 'z']
  const admitted = new Set<string>()
  const receipts = new Set<string>()
  const open = async (folder: DurableFolder) =>
    new AdmissionDesk({ trust: mesh.trust, book, folder, nodeKey: key, clock: mesh.clock })
  await live(random, open, async (desk) => {
    mesh.clock.time += 1
    const { bytes, id } = application(invite, random.pick(names))
    const { node, receipt } = await desk.redeem(bytes, id)
    admitted.add(node)
    receipts.add(Buffer.from(receipt).toString('hex'))
  })
  expect(admitted.size).toBeLessThanOrEqual(1)
  expect(receipts.size).toBeLessThanOrEqual(1)
})

test.each(seeds)('trust never goes back [seed %i]', async (seed) => {
  const random = new SeededRandom(seed)
  const { meshId, first } = await testMesh()
  const later = Array.from({ length: 5 }, (_, index) =>
    signTrust(
      trustRecord({ mesh: meshId, version: index + 2, admins: [keyNamed(`admin ${index}`).publicKey] }),
      [root],
    ),
  )
  let highest = 0
  const open = (folder: DurableFolder) => openTrustStore({ meshId, folder, onAlarm })
  const store = await live(random, open, async (trust) => {
    const { bundle } = await trust.offer(random.pick([first, ...later]))
    expect(trust.current?.record.version ?? 0).toBeGreaterThanOrEqual(highest)
    highest = Math.max(highest, bundle.record.version)
  })
  expect(store.current?.record.version ?? 0).toBeGreaterThanOrEqual(highest)
})
