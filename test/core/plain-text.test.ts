import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainLines, plainText } from '../../core/index.ts'

const unsafe = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(fc.constantFrom('\u001b[2J', '\u009b31m', '\u202e', '\r', '\n', '\t', '\u2028', 'é', '漢', '😀'))
    .map((parts) => parts.join('')),
)

test('plain text has no character that could steer a terminal, and is otherwise as it was', () => {
  fc.assert(
    fc.property(anything, (text) => {
      expect(plainText(text)).not.toMatch(unsafe)
      expect(plainText(text).replaceAll(' ', '')).toBe(
        text.replace(new RegExp(unsafe, 'gu'), '').replaceAll(' ', ''),
      )
    }),
  )
})

test('plain lines keep their breaks and tabs, show what was taken out, and are as long as before', () => {
  fc.assert(
    fc.property(anything, (text) => {
      const plain = plainLines(text)
      expect(plain.replace(/[\t\n]/g, '')).not.toMatch(unsafe)
      expect([...plain].length).toBe([...text].length)
      expect(plain.split('\n').length).toBe(text.split('\n').length)
    }),
  )
  expect(plainLines('a\u001b[31mb\r\n\tc')).toBe('a\ufffd[31mb\ufffd\n\tc')
})
