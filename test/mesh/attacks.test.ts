import { describe, expect, it } from 'vitest'
import { AttackLedger } from '../../mesh/attack-ledger.ts'
import { attackNames, attackOf, attackOfCode } from '../../mesh/attacks.ts'
import { identityProblems } from '../../mesh/identity/index.ts'
import { readRelease, signRelease } from '../../mesh/releases/index.ts'
import { FakeClock } from '../host/fake-clock.ts'
import { keyNamed } from './identity/harness.ts'
import { releaseRecord } from './releases/harness.ts'

const refusalOf = (bytes: Uint8Array): unknown => {
  try {
    return readRelease(bytes)
  } catch (error) {
    return error
  }
}

describe('the name of an attack', () => {
  const signed = signRelease(keyNamed('publisher'), releaseRecord('ab'.repeat(32)))

  it('of an altered release is arbitrary-install', () => {
    const altered = signed.slice()
    altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1
    expect(attackOf(refusalOf(altered))).toBe('arbitrary-install')
  })

  it('of bytes behind a release is trailing-data', () => {
    expect(attackOf(refusalOf(new Uint8Array([...signed, 0])))).toBe('trailing-data')
  })

  it('of bytes that are no record at all is parser', () => {
    expect(attackOf(refusalOf(new Uint8Array([0xff, 1, 2])))).toBe('parser')
  })

  it('of a record beyond all bounds is endless-data', () => {
    expect(attackOf(refusalOf(new Uint8Array(100_000)))).toBe('endless-data')
  })

  it('is none for what honest nodes do, and for what is no error of ours', () => {
    expect(attackOfCode('ERR_ADMISSION_MESH')).toBeNull()
    expect(attackOfCode('toString')).toBeNull()
    expect(attackOf(new Error('disk'))).toBeNull()
    expect(attackOf(identityProblems.error('ERR_TOKEN_USED', 'used'))).toBe('invite-reuse')
  })
})

describe('the ledger of attacks', () => {
  it('has a count for every name, from the first moment', () => {
    expect(Object.keys(new AttackLedger(new FakeClock()).counts)).toEqual([...attackNames])
  })

  it('counts up by attack and peer, the latest first', async () => {
    const clock = new FakeClock()
    const ledger = new AttackLedger(clock)
    ledger.report({ attack: 'wrong-bytes', peer: 'a', detail: 'one' })
    await clock.advance(10)
    ledger.report({ attack: 'flood', peer: 'b', detail: 'two' })
    await clock.advance(10)
    ledger.report({ attack: 'wrong-bytes', peer: 'a', detail: 'three' })
    expect(
      ledger.sightings().map(({ attack, peer, count, detail }) => [attack, peer, count, detail]),
    ).toEqual([
      ['wrong-bytes', 'a', 2, 'three'],
      ['flood', 'b', 1, 'two'],
    ])
    expect(ledger.counts['wrong-bytes']).toBe(2)
  })

  it('stops showing what was right after all, and keeps it counted', () => {
    const ledger = new AttackLedger(new FakeClock())
    const early = {
      attack: 'arbitrary-install',
      peer: 'a',
      detail: 'stranger',
      subject: 'release 1',
    } as const
    ledger.report(early)
    ledger.report({ ...early, subject: 'release 2' })
    ledger.pardon('release 1')
    expect(ledger.sightings()).toMatchObject([{ count: 1 }])
    ledger.pardon('release 2')
    ledger.pardon('release 2')
    expect(ledger.sightings()).toEqual([])
    expect(ledger.counts['arbitrary-install']).toBe(2)
  })

  it('stays bounded, whoever comes', () => {
    const ledger = new AttackLedger(new FakeClock())
    for (let peer = 0; peer < 5_000; peer++)
      ledger.report({
        attack: 'flood',
        peer: `peer-${peer}`,
        detail: 'x'.repeat(5_000),
        subject: `s ${peer}`,
      })
    expect(ledger.sightings().length).toBeLessThanOrEqual(128)
    expect(ledger.sightings()[0]?.detail.length).toBeLessThanOrEqual(200)
    expect(ledger.counts.flood).toBe(5_000)
  })
})
