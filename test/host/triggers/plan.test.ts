import { describe, expect, it } from 'vitest'
import type { SelvedgeError } from '../../../core/index.ts'
import { planTriggers, requiredExports } from '../../../host/triggers/index.ts'

const grants = ['pin:led', 'sensor:light']
const light = { kind: 'sensor', sensor: 'light', everyMs: 200 }

function refusalOf(spec: { kind: string; [option: string]: string | number | boolean }): SelvedgeError {
  try {
    planTriggers([light, spec], grants)
  } catch (error) {
    return error as SelvedgeError
  }
  throw new Error('it was accepted')
}

describe('a release’s triggers', () => {
  it('say which handlers the component must export, each once', () => {
    const planned = planTriggers([light, { ...light, everyMs: 1_000 }], grants)
    expect(requiredExports(planned)).toEqual(['selvedge:edge/sensor-handler@0.1.0'])
    expect(requiredExports([])).toEqual([])
  })

  it('are the same trigger whatever the order of their options', () => {
    const [a] = planTriggers([light], grants)
    const [b] = planTriggers([{ everyMs: 200, sensor: 'light', kind: 'sensor' }], grants)
    const [c] = planTriggers([{ ...light, everyMs: 201 }], grants)
    expect(a?.key).toBe(b?.key)
    expect(a?.key).not.toBe(c?.key)
  })

  it('denied: a trigger on a sensor that the release is not granted', () => {
    const error = refusalOf({ ...light, sensor: 'door' })
    expect(error.code).toBe('ERR_TRIGGER_GRANT')
    expect(error.message).toContain('triggers[1] (sensor) needs the grant sensor:door')
  })

  it('of an unknown kind are refused with the nearest one', () => {
    const error = refusalOf({ ...light, kind: 'sensors' })
    expect(error.code).toBe('ERR_TRIGGER_UNKNOWN')
    expect(error.message).toContain('did you mean "sensor"?')
  })

  it.each([
    ['a period of nothing', { ...light, everyMs: 0 }, 'triggers[1].everyMs'],
    ['half a millisecond', { ...light, everyMs: 10.5 }, 'triggers[1].everyMs'],
    ['no sensor', { kind: 'sensor', everyMs: 200 }, 'triggers[1].sensor'],
    ['an option it does not have', { ...light, burst: 3 }, 'triggers[1].burst'],
  ])('with %s are refused, naming the field', (_name, spec, field) => {
    const error = refusalOf(spec as { kind: string })
    expect(error.code).toBe('ERR_TRIGGER_INVALID')
    expect(error.message).toContain(field)
  })

  it('are refused beyond sixteen', () => {
    expect(() =>
      planTriggers(
        Array.from({ length: 17 }, () => light),
        grants,
      ),
    ).toThrow('has 17 triggers')
  })
})
