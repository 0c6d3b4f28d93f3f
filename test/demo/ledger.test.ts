import { describe, expect, it } from 'vitest'
import { EventLedger, parseEventLine, type Rule } from '../../demo/ledger.ts'
import type { LogLine } from '../../host/api/index.ts'

let seq = 0

function line(message: string, changes: Partial<LogLine> = {}): LogLine {
  seq += 1
  return {
    seq,
    time: 1_000 * seq,
    app: 'light-alarm',
    version: '1.0.0',
    level: 'info',
    context: '',
    message,
    ...changes,
  }
}

/** A ledger that heard of these event ids, in this order. */
function ledgerOf(...ids: number[]): EventLedger {
  const ledger = new EventLedger('garage-1')
  for (const id of ids) ledger.add(line(`event ${id}: 312 lx, led off`))
  return ledger
}

describe('a line of the log', () => {
  it('tells id, reading and LED of one event', () => {
    expect(parseEventLine(line('event 41: -3.5 °C, led on', { version: '2.0.0', time: 7 }))).toEqual({
      id: 41,
      version: '2.0.0',
      value: -3.5,
      unit: '°C',
      led: true,
      time: 7,
    })
  })

  it.each(['the threshold is 40', 'event x: 1 lx, led on', 'event 1: 1 lx, led on, twice', ''])(
    'that says "%s" tells of no event',
    (message) => {
      expect(parseEventLine(line(message))).toBeNull()
    },
  )
})

describe('the ledger', () => {
  it('finds no fault with ids that count up', () => {
    expect(ledgerOf(1, 2, 3).faults).toEqual([])
  })

  it('catches lost events, and says which', () => {
    expect(ledgerOf(1, 2, 6).faults).toEqual(['garage-1: events 3 to 5 were lost'])
  })

  it('catches an event that was handled twice', () => {
    expect(ledgerOf(1, 2, 2, 3).faults).toEqual([
      'garage-1: event 2 handled after event 2: twice or out of order',
    ])
  })

  it('catches events out of order, the late one and the gap before it', () => {
    expect(ledgerOf(1, 3, 2).faults).toEqual([
      'garage-1: events 2 to 2 were lost',
      'garage-1: event 2 handled after event 3: twice or out of order',
    ])
  })

  it('catches a loss across a swap of versions', () => {
    const ledger = ledgerOf(1, 2)
    ledger.add(line('event 4: 312 lx, led on', { version: '2.0.0' }))
    expect(ledger.faults).toHaveLength(1)
    expect(ledger.of('2.0.0').map(({ id }) => id)).toEqual([4])
  })

  it('lets a restarted node jump ahead once, never back', () => {
    const ahead = ledgerOf(1, 2)
    ahead.restart()
    ahead.add(line('event 1000: 312 lx, led off'))
    expect(ahead.faults).toEqual([])
    ahead.add(line('event 1002: 312 lx, led off'))
    expect(ahead.faults).toEqual(['garage-1: events 1001 to 1001 were lost'])

    const back = ledgerOf(1, 2)
    back.restart()
    back.add(line('event 2: 312 lx, led off'))
    expect(back.faults).toHaveLength(1)
  })

  it('reads each line of a node’s log once, and all of it anew after a restart', () => {
    const ledger = new EventLedger('garage-1')
    ledger.add(line('something else', { seq: 9 }))
    expect(ledger.logSeq).toBe(9)
    ledger.restart()
    expect(ledger.logSeq).toBe(0)
  })

  it('catches an LED that does not follow the rule of the version that decided', () => {
    const rules = new Map<string, Rule>([
      ['1.0.0', (value, threshold) => value < threshold],
      ['2.0.0', (value, threshold) => value > threshold],
    ])
    const ledger = new EventLedger('garage-1')
    ledger.add(line('event 1: 20 %, led on'))
    ledger.add(line('event 2: 80 %, led on'))
    ledger.add(line('event 3: 80 %, led on', { version: '2.0.0' }))
    ledger.add(line('event 4: 20 %, led on', { version: '2.0.0' }))
    // Too near the threshold to tell from a value that was rounded for the log.
    ledger.add(line('event 5: 40 %, led on'))
    ledger.add(line('event 6: 80 %, led on', { version: '3.0.0' }))
    expect(ledger.misjudged(rules, 40).map(({ id }) => id)).toEqual([2, 4])
  })

  it('measures the longest gap that ends at or after a moment', () => {
    const ledger = new EventLedger('garage-1')
    for (const [id, time] of [
      [1, 0],
      [2, 5_000],
      [3, 5_500],
      [4, 6_400],
    ] as const) {
      ledger.add(line(`event ${id}: 1 lx, led on`, { time }))
    }
    expect(ledger.longestGapMs(5_000)).toBe(5_000)
    expect(ledger.longestGapMs(5_200)).toBe(900)
    expect(new EventLedger('idle').longestGapMs(0)).toBe(0)
  })
})
