import { describe, expect, it } from 'vitest'
import { parseNodeConfig } from '../../../host/config/index.ts'

const sensor = (lines: string) => parseNodeConfig(`[sensors.light]\n${lines}\n`, 'node.toml').sensors['light']
const refusal = (lines: string): string => {
  try {
    sensor(lines)
  } catch (error) {
    return String(error)
  }
  return 'it was taken'
}

describe('what any device may say of how it is looked after', () => {
  it('stands beside its driver’s options and is none of them', () => {
    const text = 'driver = "command"\ncommand = ["true"]\ncheck = "1min"\nstale = "5min"\nrange = [0, 100]'
    expect(sensor(text)).toEqual({
      driver: 'command',
      options: { command: ['true'], unit: '1', scale: 1, env: {}, timeout: 4_000 },
      care: { checkMs: 60_000, staleAfterMs: 300_000, range: { min: 0, max: 100 } },
    })
    const pins = parseNodeConfig('[pins.led]\ndriver = "simulated"\ncheck = "1s"\n', 'node.toml').pins
    expect(pins['led']?.care).toEqual({ checkMs: 1_000 })
  })

  it('is left to a driver that has an option of that name, with the driver’s own default', () => {
    const text =
      'driver = "mqtt"\nbroker = "home"\ntopic = "a/light"\nunit = "lx"\nrange = [0, 9]\ncheck = "1s"'
    expect(sensor(text)).toMatchObject({
      options: { range: { min: 0, max: 9 }, stale: 900_000 },
      care: { checkMs: 1_000 },
    })
    expect(sensor(text)?.care).not.toHaveProperty('staleAfterMs')
  })

  it.each([
    ['range = [5, 5]', 'sensors.light.range: [5,5] is no range'],
    ['range = [0, nan]', 'sensors.light.range'],
    ['stale = "1"', 'sensors.light.stale'],
    ['check = "1ms"', 'sensors.light.check: "1ms" is out of range'],
  ])('`%s` is refused by name', (line, why) => {
    expect(refusal(`driver = "simulated"\n${line}`)).toContain(why)
  })

  it('has no silence or range where it is a pin', () => {
    expect(() => parseNodeConfig('[pins.led]\ndriver = "simulated"\nstale = "1h"\n', 'node.toml')).toThrow(
      'stale',
    )
  })
})
