import { describe, expect, it } from 'vitest'
import { memoryFolder, silentLog, type DurableFolder } from '../../core/index.ts'
import { auditLimits, openAudit, type Audit, type AuditNews } from '../../mesh/audit.ts'
import { FakeClock } from '../host/fake-clock.ts'
import { SeededRandom, SimDisk, type Unsynced } from '../sim/index.ts'

const taken: AuditNews = {
  kind: 'taken',
  what: 'release',
  text: 'light-alarm 2.0.0 (number 4)',
  signers: ['ab'.repeat(32)],
  from: 'peer-a',
  code: null,
  attack: null,
}
const refused: AuditNews = {
  ...taken,
  kind: 'refused',
  code: 'ERR_RELEASE_STRANGER',
  attack: 'arbitrary-install',
}

function counted(folder: DurableFolder): { folder: DurableFolder; writes: () => number } {
  let writes = 0
  return {
    writes: () => writes,
    folder: {
      ...folder,
      async write(name, bytes) {
        writes += 1
        await folder.write(name, bytes)
      },
    },
  }
}

const open = (folder: DurableFolder, clock = new FakeClock()): Promise<Audit> =>
  openAudit({ folder, clock, log: silentLog })

describe('the audit journal', () => {
  it('says what came, when, by which start of the node, and goes on after a restart', async () => {
    const folder = memoryFolder()
    const clock = new FakeClock()
    const first = await open(folder, clock)
    await clock.advance(1_500)
    first.add(taken)
    await first.flush()
    const second = await open(folder, clock)
    second.add({ ...taken, text: 'light-alarm 2.0.1 (number 5)' })
    expect(second.tail(10)).toMatchObject([
      { seq: 1, boot: 1, uptimeMs: 1_500, at: clock.now(), signers: taken.signers, count: 1 },
      { seq: 2, boot: 2, uptimeMs: 0, text: 'light-alarm 2.0.1 (number 5)' },
    ])
    expect(second.dropped).toBe(0)
  })

  it('writes many entries at once, and hardly ever for refusals', async () => {
    const { folder, writes } = counted(memoryFolder())
    const clock = new FakeClock()
    const audit = await open(folder, clock)
    for (let at = 0; at < 100; at++) audit.add({ ...taken, text: `app ${at}` })
    await clock.advance(auditLimits.flushMs)
    expect(writes()).toBe(1)
    for (let second = 0; second < 600; second++) {
      audit.add(refused)
      await clock.advance(100)
    }
    expect(writes()).toBeLessThanOrEqual(2)
  })

  it('counts the same refusal up', async () => {
    const clock = new FakeClock()
    const audit = await open(memoryFolder(), clock)
    audit.add(refused)
    await clock.advance(5_000)
    audit.add(refused)
    audit.add({ ...refused, from: 'peer-b' })
    expect(audit.tail(10)).toMatchObject([
      { count: 2, from: 'peer-a', lastAt: clock.now(), at: clock.now() - 5_000 },
      { count: 1, from: 'peer-b' },
    ])
  })

  it('keeps what was signed, however many strangers are refused', async () => {
    const clock = new FakeClock()
    const audit = await open(memoryFolder(), clock)
    audit.add(taken)
    for (let stranger = 0; stranger < 20_000; stranger++) audit.add({ ...refused, from: `peer-${stranger}` })
    expect(audit.tail(20_000).length).toBeLessThan(100)
    expect(audit.tail(20_000)[0]).toMatchObject({ kind: 'taken' })
    expect(audit.tail(1)[0]).toMatchObject({ from: null, code: refused.code })
    expect(audit.tail(1)[0]?.count).toBeGreaterThan(19_000)
  })

  it('drops the oldest when it is full, and says how many', async () => {
    const folder = memoryFolder()
    const audit = await open(folder)
    const max = auditLimits.segments * auditLimits.entriesPerSegment
    for (let at = 1; at <= max + 300; at++) audit.add({ ...taken, text: `number ${at}` })
    await audit.flush()
    const { entries, missed } = audit.read(0, 3)
    expect(missed).toBe(audit.dropped)
    expect(audit.dropped).toBe(2 * auditLimits.entriesPerSegment)
    expect(entries[0]).toMatchObject({ seq: audit.dropped + 1, text: `number ${audit.dropped + 1}` })
    expect((await folder.list()).length).toBe(auditLimits.segments)
    expect((await open(folder)).dropped).toBe(audit.dropped)
  })

  it('is read on from where a reader stopped', async () => {
    const audit = await open(memoryFolder())
    for (let at = 1; at <= 5; at++) audit.add({ ...taken, text: `number ${at}` })
    const { entries, cursor } = audit.read(2, 2)
    expect(entries.map(({ seq }) => seq)).toEqual([3, 4])
    expect(audit.read(cursor, 10)).toMatchObject({ cursor: 5, missed: 0, entries: [{ seq: 5 }] })
    expect(audit.read(5, 10)).toEqual({ entries: [], cursor: 5, missed: 0 })
    expect(audit.tail(0)).toEqual([])
  })

  it('drops a damaged segment alone', async () => {
    const folder = memoryFolder()
    const audit = await open(folder)
    for (let at = 0; at < 600; at++) audit.add(taken)
    await audit.flush()
    const [, middle = ''] = await folder.list()
    const bytes = (await folder.read(middle, auditLimits.segmentBytes)) ?? new Uint8Array()
    bytes[100] = (bytes[100] ?? 0) ^ 1
    await folder.write(middle, bytes)
    const again = await open(folder)
    expect(again.tail(1_000).length).toBe(600 - auditLimits.entriesPerSegment)
    expect(again.dropped).toBe(auditLimits.entriesPerSegment)
    again.add(taken)
    expect(again.tail(1)[0]?.seq).toBe(601)
  })

  it('cuts what is too long for an entry', async () => {
    const folder = memoryFolder()
    const audit = await open(folder)
    audit.add({
      ...taken,
      text: '€'.repeat(10_000),
      signers: Array.from({ length: 99 }, () => 'ab'.repeat(32)),
    })
    await audit.flush()
    const [entry] = (await open(folder)).tail(1)
    expect(entry?.text.length).toBe(auditLimits.textChars)
    expect(entry?.signers.length).toBe(auditLimits.signers)
  })

  it.each<Unsynced>(['lost', 'kept', 'reordered'])(
    'has after a power cut what was flushed before it, whatever was not synced is %s',
    async (unsynced) => {
      const entries = auditLimits.entriesPerSegment + 3
      let cuts = 0
      for (let step = 0; step < 60; step++) {
        const disk = new SimDisk(new SeededRandom(step))
        disk.cutAtStep = step
        let flushed = 0
        try {
          const audit = await open(await disk.folder('/audit'))
          for (let at = 1; at <= entries; at++) {
            audit.add({ ...taken, text: `number ${at}` })
            if (at % 40 !== 0) continue
            await audit.flush()
            if (!disk.isOff) flushed = at
          }
        } catch {
          // The folder itself was not there yet.
        }
        if (disk.isOff) cuts++
        const after = await open(await disk.restart(unsynced).folder('/audit'))
        const kept = after.tail(1_000)
        expect(kept.length).toBeGreaterThanOrEqual(flushed)
        expect(kept.map(({ text }) => text)).toEqual(kept.map((_, index) => `number ${index + 1}`))
      }
      expect(cuts).toBeGreaterThan(20)
    },
  )
})
