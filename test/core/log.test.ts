import { describe, expect, it } from 'vitest'
import { createLog, formatForMachines, formatForPeople, silentLog, type LogEntry } from '../../core/index.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'

const entry: LogEntry = {
  time: Date.UTC(2026, 0, 1, 12, 3, 7),
  level: 'warn',
  scope: 'apps',
  event: 'app:backoff',
  fields: { app: 'light-alarm', retryMs: 400 },
}

describe('a log', () => {
  it('writes entries from its level on, with time, scope and fields', () => {
    const entries: LogEntry[] = []
    const log = createLog((written) => entries.push(written), new VirtualClock(1_000), 'warn')
    log.debug('a')
    log.info('b')
    log.warn('c', { n: 1 })
    log.scope('mesh').scope('heads').error('d')
    expect(entries).toEqual([
      { time: 1_000, level: 'warn', scope: '', event: 'c', fields: { n: 1 } },
      { time: 1_000, level: 'error', scope: 'mesh.heads', event: 'd', fields: {} },
    ])
  })

  it('can be silent, in every scope', () => {
    expect(() => silentLog.scope('any').error('lost')).not.toThrow()
  })
})

describe('a line for people', () => {
  it('shows time, level, scope, event and fields', () => {
    expect(formatForPeople(entry)).toBe('12:03:07 warn  apps      app:backoff  app=light-alarm retryMs=400')
  })

  it('quotes texts with spaces and shows the message of an error', () => {
    const fields = { why: 'no answer', error: new Error('was refused'), none: undefined }
    expect(formatForPeople({ ...entry, fields })).toContain(
      'why="no answer" error="was refused" none=undefined',
    )
  })

  it('stays one line without control characters, whatever a peer or a guest put into a field', () => {
    const line = formatForPeople({
      ...entry,
      fields: { name: '\u001b[2J\u009b31m\n', error: new Error('\u001b]0;x\u0007') },
    })
    expect(line).not.toMatch(/\p{Cc}/u)
    expect(line).toContain('name="\\u001b[2J\\u009b31m\\n"')
  })
})

describe('a line for machines', () => {
  it('is one JSON object', () => {
    expect(JSON.parse(formatForMachines(entry))).toEqual({
      time: '2026-01-01T12:03:07.000Z',
      level: 'warn',
      scope: 'apps',
      event: 'app:backoff',
      app: 'light-alarm',
      retryMs: 400,
    })
  })

  it('keeps an error’s message and a large count, and no field hides what the entry itself says', () => {
    const fields = { error: new Error('was refused'), count: 2n ** 64n, level: 'debug', time: 0 }
    expect(JSON.parse(formatForMachines({ ...entry, fields }))).toMatchObject({
      time: '2026-01-01T12:03:07.000Z',
      level: 'warn',
      error: 'was refused',
      count: '18446744073709551616',
    })
  })
})
