/** What whole nodes tell of what came in: attacks by name and peer, and the journal, across a restart. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { encodeCbor } from '../../core/index.ts'
import { readRelease } from '../../mesh/releases/index.ts'
import { Witness } from '../../mesh/witness.ts'
import { AttackLedger } from '../../mesh/attack-ledger.ts'
import { openAudit } from '../../mesh/audit.ts'
import { memoryFolder, silentLog } from '../../core/index.ts'
import { releasesProblems } from '../../mesh/releases/index.ts'
import { membershipProblems } from '../../mesh/membership/index.ts'
import { FakeClock } from '../host/fake-clock.ts'
import { Harbor } from './harbor.ts'

let harbor: Harbor

beforeEach(async () => {
  harbor = await Harbor.open()
})
afterEach(() => harbor.close())

it('a release that comes over the mesh is in the journal of both nodes, with its signer and whom it came from', async () => {
  const first = await harbor.found('lobby-1')
  const second = await harbor.join('lobby-2', first)
  const bytes = await harbor.release()
  await first.publish(bytes)
  await expect.poll(() => second.releases.heads().length).toBe(1)
  const signers = [Buffer.from(readRelease(bytes).publisher).toString('hex')]
  const of = (mesh: typeof first) => mesh.audit.tail(100).filter(({ what }) => what === 'release')
  expect(of(first)).toMatchObject([{ kind: 'taken', from: null, signers }])
  expect(of(second)).toMatchObject([{ kind: 'taken', from: first.self, signers }])
  expect(first.audit.tail(100).filter(({ what }) => what === 'member')).toMatchObject([
    { kind: 'taken', text: expect.stringContaining('lobby-2') as string },
  ])
  expect(first.attacks.sightings()).toEqual([])
  expect(second.attacks.sightings()).toEqual([])
})

it('an operator’s slip is written down, and is no attack', async () => {
  const first = await harbor.found('lobby-1')
  await expect(first.operator.revoke(new Uint8Array([1]))).rejects.toMatchObject({
    code: 'ERR_REVOCATION_SIGNATURE',
  })
  expect(first.audit.tail(1)).toMatchObject([
    { kind: 'refused', what: 'revocation', attack: null, from: null },
  ])
  expect(first.attacks.sightings()).toEqual([])
})

it('a stranger that asks for what is for members is told of as before-admission', async () => {
  const first = await harbor.found('lobby-1')
  const rogue = await harbor.rogue()
  await rogue
    .openBeforeAdmission(first.addresses()[0] ?? '', '/selvedge/heads/2', AbortSignal.timeout(60_000))
    .then(async ({ channel }) => {
      await channel.send(encodeCbor({ t: 'have' })).catch(() => {})
      channel.close()
    })
    .catch(() => {})
  await expect.poll(() => first.attacks.counts['before-admission']).toBeGreaterThan(0)
  expect(first.attacks.sightings()[0]).toMatchObject({ attack: 'before-admission', peer: rogue.self })
})

const watching = async () => {
  const clock = new FakeClock()
  const ledger = new AttackLedger(clock)
  const audit = await openAudit({ folder: memoryFolder(), clock, log: silentLog })
  return { ledger, audit, witness: new Witness(audit, ledger) }
}

it('a release refused before the bundle that names its publisher came is no attack any more once it is taken', async () => {
  const { ledger, witness } = await watching()
  const bytes = new Uint8Array([1, 2, 3])
  witness.refused('release', bytes, 'peer-a', releasesProblems.error('ERR_RELEASE_STRANGER', 'stranger'))
  expect(ledger.sightings()).toHaveLength(1)
  witness.taken('release', bytes, 'peer-b')
  expect(ledger.sightings()).toEqual([])
})

it('whoever passes on what was revoked since, or what another node signs too often, is not accused', async () => {
  const { ledger, audit, witness } = await watching()
  const revoked = releasesProblems.error('ERR_RELEASE_REVOKED', 'revoked')
  witness.refused('release', new Uint8Array([1]), 'peer-a', revoked, true)
  expect(ledger.sightings()).toEqual([])
  const rate = membershipProblems.error('ERR_NODE_RECORD_RATE', 'node-x changes its record too often')
  witness.refused('node', new Uint8Array([2]), 'peer-a', rate)
  expect(ledger.sightings()).toMatchObject([{ attack: 'flood', peer: null }])
  expect(audit.tail(10).map(({ code, from }) => [code, from])).toEqual([
    ['ERR_RELEASE_REVOKED', 'peer-a'],
    ['ERR_NODE_RECORD_RATE', 'peer-a'],
  ])
})
