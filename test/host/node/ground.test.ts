import { describe, expect, it } from 'vitest'
import type { LogEntry } from '../../../core/index.ts'
import { createLog, silentLog } from '../../../core/index.ts'
import { shareMemory } from '../../../host/budget/index.ts'
import { judgeGround, judgeMemory, leastBytes, warnOfClock, type Ground } from '../../../host/node/ground.ts'
import { FakeClock } from '../fake-clock.ts'

const good: Ground = {
  owner: 1_000,
  isWritable: true,
  isUsed: false,
  room: { freeBytes: 5e9, totalBytes: 10e9 },
}
const judged =
  (ground: Partial<Ground>, uid: number | null = 1_000) =>
  () =>
    judgeGround('/srv/node', { ...good, ...ground }, uid)

describe('the ground that a node is to stand on', () => {
  it('is good where the folder is one’s own, or not there yet', () => {
    expect(judged({})).not.toThrow()
    expect(judged({ owner: null, isWritable: false })).not.toThrow()
    expect(judged({ owner: 7 }, null)).not.toThrow()
  })

  it('is another user’s where a node of theirs is in it, for root too, whose files they could not read', () => {
    for (const uid of [1_001, 0]) {
      expect(judged({ isUsed: true }, uid)).toThrow(
        expect.objectContaining({
          code: 'ERR_DATA_OWNER',
          message: expect.stringContaining(`belongs to user 1000, and this is user ${uid}`) as string,
          hint: expect.stringContaining(`chown -R ${uid} /srv/node`) as string,
        }),
      )
    }
  })

  it('is good where a volume of somebody else’s was handed over empty and may be written to', () => {
    expect(judged({ owner: 0 })).not.toThrow()
    expect(judged({ owner: 0, isWritable: false })).toThrow(
      expect.objectContaining({ code: 'ERR_DATA_OWNER' }),
    )
  })

  it('has too little room for a new node, in numbers, and never for one that is there', () => {
    const room = { freeBytes: leastBytes - 1, totalBytes: 64 * 1024 ** 2 }
    expect(judged({ room })).toThrow(
      expect.objectContaining({
        code: 'ERR_DISK_FULL',
        message: 'the disk of /srv/node has 15.9 of 64 MiB free; a node begins with 16',
      }),
    )
    expect(judged({ room, isUsed: true })).not.toThrow()
    expect(judged({ room: null })).not.toThrow()
  })
})

describe('the memory that a node is told to take', () => {
  const budget = { ...shareMemory(512 * 1024 ** 2), limitBytes: 256 * 1024 ** 2 }

  it('is no more than the machine has, in numbers', () => {
    expect(() => judgeMemory({ ...budget, from: 'config' }, silentLog)).toThrow(
      expect.objectContaining({
        code: 'ERR_MEMORY_SHORT',
        message: expect.stringContaining('take 512 MiB') as string,
      }),
    )
    const enough = { ...budget, limitBytes: 512 * 1024 ** 2 }
    expect(() => judgeMemory({ ...enough, from: 'config' }, silentLog)).not.toThrow()
  })

  it('is a warning where nobody told it, as it is the least that a node lives with', () => {
    const entries: LogEntry[] = []
    const log = createLog((entry) => void entries.push(entry), new FakeClock())
    judgeMemory({ ...budget, from: 'machine' }, log)
    expect(entries).toMatchObject([{ level: 'warn', fields: { hasMib: 256, leastMib: 512 } }])
  })
})

it('a clock that was never set is one warning that says what suffers, and a good one says nothing', () => {
  const entries: LogEntry[] = []
  const log = createLog((entry) => void entries.push(entry), new FakeClock())
  warnOfClock(Date.UTC(2026, 10, 22), log)
  expect(entries).toEqual([])
  warnOfClock(12_000, log)
  expect(entries).toHaveLength(1)
  expect(entries[0]).toMatchObject({ event: 'clock:not-set', level: 'warn' })
  expect(JSON.stringify(entries[0])).toContain('1970-01-01 00:00:12 UTC')
})
