import { describe, expect, it } from 'vitest'
import { eventDesk, eventProblems } from '../../../host/node/event-desk.ts'

const counts = { taken: 0, handled: 0, failed: 0, dropped: 0, lastId: 0 }
const fixOf = (): string => 'see `selvedge events APP`'

describe('what is wrong with promised events', () => {
  it('is said of apps with dead letters, and of those whose queue cannot be opened', () => {
    const problem = { code: 'ERR_STORAGE_DAMAGED', message: 'it is no database', hint: 'move it away' }
    const apps = [
      { app: 'well', events: { ...counts, waiting: 3 } },
      { app: 'alarm', events: { ...counts, dead: 2 } },
      { app: 'lamp', events: { ...counts, problem } },
    ]
    expect(eventProblems(apps, fixOf)).toEqual([
      {
        code: 'ERR_EVENTS_DEAD',
        message: 'alarm: 2 events were given up after the last attempt',
        hint: 'see `selvedge events alarm`',
      },
      { ...problem, message: 'lamp: its events cannot be kept: it is no database' },
    ])
  })
})

describe('events of an app that does not run here', () => {
  it('are refused by its name', async () => {
    const desk = eventDesk({ eventsOf: () => null }, { letters: () => null, reports: () => [] })
    await expect(desk.report('lamp')).rejects.toMatchObject({ code: 'ERR_APP_UNKNOWN' })
    await expect(desk.change({ app: 'lamp', action: 'replay', items: 'all' })).rejects.toMatchObject({
      code: 'ERR_APP_UNKNOWN',
    })
  })
})
