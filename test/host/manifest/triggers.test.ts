import { describe, expect, it } from 'vitest'
import { isSelvedgeError } from '../../../core/index.ts'
import { parseManifest, releaseDraft } from '../../../host/manifest/index.ts'
import type { TriggerSpec } from '../../../mesh/index.ts'

function specsOf(triggers: string, grants = ''): readonly TriggerSpec[] {
  const text = `[app]\nname = "a"\nversion = "1.0.0"\n[grants]\n${grants}\n${triggers}`
  return releaseDraft(parseManifest(text)).triggers
}

function refusal(triggers: string, grants = ''): { message: string; hint: string } {
  try {
    specsOf(triggers, grants)
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_MANIFEST')) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('a trigger in a manifest', () => {
  it.each([
    [
      'kind = "sensor"\nsensor = "light"\nevery = "200ms"\nabove = 30.5\nhysteresis = 2',
      { kind: 'sensor', sensor: 'light', everyMs: 200, above: 30.5, hysteresis: 2 },
    ],
    [
      'kind = "pin"\npin = "door"\nedge = "rising"\ndebounce = "20ms"',
      { kind: 'pin', pin: 'door', edge: 'rising', debounceMs: 20 },
    ],
    ['kind = "timer"\nevery = "5s"\njitter = "1s"', { kind: 'timer', everyMs: 5_000, jitterMs: 1_000 }],
    [
      'kind = "cron"\nline = "0 6 * * 1-5"\nzone = "Europe/Berlin"\nmissed = "once"',
      { kind: 'cron', line: '0 6 * * 1-5', zone: 'Europe/Berlin', missed: 'once' },
    ],
    ['kind = "peer"\non = "lost"\ngroup = "lobby"', { kind: 'peer', on: 'lost', group: 'lobby' }],
    [
      'kind = "sensor"\nsensor = "light"\ndelivery = "at-least-once"\nattempts = 3\nbackoff = "2s"\nconcurrency = 4\nbatch = { most = 10, within = "1s" }',
      {
        kind: 'sensor',
        sensor: 'light',
        delivery: 'at-least-once',
        attempts: 3,
        backoffMs: 2_000,
        concurrency: 4,
        batchMost: 10,
        batchWithinMs: 1_000,
      },
    ],
  ])('says %j', (text, spec) => {
    expect(specsOf(`[[triggers]]\n${text}`, 'sensors = ["light"]\npins = ["door"]')).toEqual([spec])
  })

  it.each([
    ['kind = "cron"\nline = "0 0 30 2 *"', 'can never run'],
    ['kind = "cron"\nline = "whenever"', 'is no cron line'],
    ['kind = "cron"\nline = "0 6 * * *"\nzone = "Europe/Berlim"', 'time zone "Europe/Berlim"'],
    ['kind = "timer"', 'triggers[0].every'],
    ['kind = "timer"\nevery = "1s"\njitter = "2s"', 'jitterMs: is more than the period'],
    ['kind = "timer"\nevery = "1s"\nbatch = { most = 3 }', 'it has no handler of lists'],
    ['kind = "timer"\nevery = "1s"\nattempts = 3', 'is only for delivery = "at-least-once"'],
    ['kind = "timer"\nevery = "1s"\nconcurrency = 65', 'from 1 to 64'],
    ['kind = "timer"\nevery = "1s"\nconcurency = 6', 'did you mean "concurrency"?'],
    ['kind = "peer"\non = "gone"', '"gone" is no moment'],
    ['kind = "sensor"\nsensor = "light"\nhysteresis = 2', 'is for a threshold'],
    ['kind = "http"\nconcurrency = 2', 'concurrency'],
  ])('is refused where it is %j', (text, message) => {
    expect(refusal(`[[triggers]]\n${text}`, 'sensors = ["light"]').message).toContain(message)
  })

  it('on a pin that is not granted says the line that grants it', () => {
    const { message, hint } = refusal('[[triggers]]\nkind = "pin"\npin = "door"', 'pins = ["led"]')
    expect(message).toContain('triggers[0].pin: "door" is not granted to the app')
    expect(hint).toBe('write pins = ["led", "door"] under [grants]')
  })
})
