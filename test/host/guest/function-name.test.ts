import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readableName } from '../../../host/guest/function-name.ts'

test.each([
  ['divide_by_nothing', 'divide_by_nothing'],
  ['core::panicking::panic_fmt::h0123456789abcdef', 'core::panicking::panic_fmt'],
  ['_ZN4core9panicking9panic_fmt17h0123456789abcdefE', 'core::panicking::panic_fmt'],
  [
    '_ZN51_$LT$light..Alarm$u20$as$u20$core..fmt..Display$GT$3fmt17h0123456789abcdefE',
    '<light::Alarm as core::fmt::Display>::fmt',
  ],
  ['_ZN5alarm6Sensor4readEv', 'alarm::Sensor::read'],
  ['_ZN3foo', '_ZN3foo'],
  ['_ZN99xE', '_ZN99xE'],
  ['_ZNE', '_ZNE'],
  ['~lib/rt/itcms/__new', '~lib/rt/itcms/__new'],
])('%s is shown as %s', (name, shown) => {
  expect(readableName(name)).toBe(shown)
})

test('any name is shown in bounded length', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `_ZN${text.length}${text}E`),
      ),
      (name) => {
        expect(readableName(name.repeat(20)).length).toBeLessThanOrEqual(120)
        if (!/^_ZN|::h/.test(name) && name.length <= 120) expect(readableName(name)).toBe(name)
      },
    ),
  )
})
