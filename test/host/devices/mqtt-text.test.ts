/** What devices on a broker say, as text: pointers, numbers, templates, units and introductions. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readHaConfig } from '../../../host/devices/mqtt/ha-config.ts'
import { member, numberOf, parsePointer, wholeText } from '../../../host/devices/mqtt/payload.ts'
import { parseTemplate } from '../../../host/devices/mqtt/template.ts'
import { ucumOf, unitOfProperty } from '../../../host/devices/mqtt/units.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const json = (value: unknown): Uint8Array => bytes(JSON.stringify(value))

describe('a payload', () => {
  it.each([
    ['/a', ['a']],
    ['/a~1b/~0c/0', ['a/b', '~c', '0']],
    ['', []],
  ])('is looked into by the pointer %j', (pointer, path) => {
    expect(parsePointer(pointer)).toEqual(path)
  })

  it.each(['a', '/a~2', '/~'])('is not looked into by %j', (pointer) => {
    expect(parsePointer(pointer)).toBeNull()
  })

  it('gives the member, also of lists, and says where there is none', () => {
    expect(member(['soil', '1', 'm'])(json({ soil: [0, { m: 7 }] }))).toBe(7)
    expect(() => member(['soil', 'x'])(json({ soil: [] }))).toThrow('it has no soil.x')
    expect(() => member(['constructor'])(json({}))).toThrow('it has no constructor')
    expect(() => member(['a'])(bytes('{'))).toThrow('it is no JSON')
    expect(() => member(['a'])(bytes('['.repeat(100_000)))).toThrow('it is no JSON')
  })

  it('is a number, a number as text, or yes and no', () => {
    expect([numberOf(3), numberOf(' -1.5e2 '), numberOf(true), numberOf('.5')]).toEqual([3, -150, 1, 0.5])
    for (const other of ['', 'NaN', '1 lx', '0x10', 'Infinity', null, {}, [1], '1e999']) {
      expect(() => numberOf(other)).toThrow('which is no number')
    }
    expect(() => wholeText(new Uint8Array(300))).toThrow('300 bytes')
  })

  it('never brings anything but a finite number or an error, whatever is in it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (payload) => {
        for (const pick of [wholeText, member([]), member(['a'])]) {
          try {
            expect(Number.isFinite(numberOf(pick(payload)))).toBe(true)
          } catch (error) {
            expect((error as Error).message).toMatch(/^it /)
          }
        }
      }),
    )
  })
})

describe('a template', () => {
  const value = { a: { 'b c': [1.26, '7.9'] }, t: 21.456, on: true }
  it.each([
    ['{{ value_json.t }}', 21.456],
    ['{{value_json.t|round(1)}}', 21.5],
    ['{{ value_json[\'a\']["b c"][0] | float }}', 1.26],
    ["{{ value_json.a['b c'][1] | int }}", 7],
    ['{{- value_json.t | float(0) | round -}}', 21],
    ['{{ value_json.on | is_defined }}', true],
  ])('%s is understood', (template, wanted) => {
    expect(parseTemplate(template)?.(json(value))).toBe(wanted)
  })

  it.each([
    '{{ value_json.t + 1 }}',
    '{% if value_json.t %}1{% endif %}',
    '{{ states("x") }}',
    '{{ value_json.t | default(3) }}',
    '{{ value_json.t }}{{ value }}',
    'value_json.t',
    `{{ value_json${'.a'.repeat(400)} }}`,
  ])('%s is refused rather than guessed', (template) => {
    expect(parseTemplate(template)).toBeNull()
  })
})

describe('a unit', () => {
  it('has its UCUM name, where there is one', () => {
    expect([ucumOf('°C'), ucumOf('μg/m³'), ucumOf('lx'), ucumOf(''), ucumOf('furlong')]).toEqual([
      'Cel',
      'ug/m3',
      'lx',
      '1',
      null,
    ])
    expect([unitOfProperty('illuminance'), unitOfProperty('toString')]).toEqual(['lx', null])
  })
})

describe('an introduction to Home Assistant', () => {
  it('is read with long and with short names, and a base topic', () => {
    const long = readHaConfig(
      json({
        unique_id: 'x1',
        state_topic: 'z/hall',
        value_template: '{{ value_json.lux }}',
        unit_of_measurement: 'lx',
        expire_after: 60,
        availability: [{ topic: 'z/hall/availability', value_template: '{{ value_json.state }}' }],
        availability_mode: 'all',
      }),
    )
    expect(long).toMatchObject({
      uniqueId: 'x1',
      stateTopic: 'z/hall',
      unit: 'lx',
      expireAfterMs: 60_000,
      availability: { mode: 'all', sources: [{ topic: 'z/hall/availability', online: 'online' }] },
    })
    const short = readHaConfig(
      json({
        '~': 'z/plug',
        uniq_id: 'p',
        stat_t: '~/state',
        cmd_t: '~/set',
        pl_on: '1',
        avty_t: '~/up',
        ret: true,
      }),
    )
    expect(short).toMatchObject({
      stateTopic: 'z/plug/state',
      commandTopic: 'z/plug/set',
      payloadOn: '1',
      stateOn: '1',
      stateOff: 'OFF',
      isRetained: true,
      availability: { mode: 'latest', sources: [{ topic: 'z/plug/up', offline: 'offline' }] },
    })
  })

  it.each([
    ['no JSON', bytes('{'), 'no JSON'],
    ['no object', bytes('[]'), 'no JSON object'],
    ['no topic', json({ unique_id: 'x' }), 'no state_topic'],
    ['a wildcard', json({ state_topic: 'a/#' }), 'wildcard'],
    ['a program', json({ state_topic: 'a', value_template: '{{ now() }}' }), 'value_json.NAME'],
  ])('is refused with %s', (_what, payload, message) => {
    expect(() => readHaConfig(payload)).toThrow(message)
  })

  it('is refused in words whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytes)), (payload) => {
        try {
          readHaConfig(payload)
        } catch (error) {
          expect((error as Error).message).toMatch(/^its /)
        }
      }),
    )
  })
})
