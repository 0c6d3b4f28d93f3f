import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rewrite, rewriteOf, withoutCalls } from '../../../host/engine/glue-pattern.ts'

describe('a pattern', () => {
  const pattern = rewriteOf('sample', 'const § = one(§);\ntwo();', 'ONE $1 $2')

  test('matches whole lines, whatever their indentation', () => {
    const { text, count } = rewrite('  a\n  const x = one(1, 2);\n\n    two();\nb\n', pattern)
    expect({ text, count }).toEqual({ text: '  a\nONE x 1, 2\nb\n', count: 1 })
  })

  test('matches nothing inside a literal, whatever a component is named', () => {
    const hostile = fc.constantFrom(
      'const x = one(1);\ntwo();',
      '_debugLog(',
      '\n_debugLog("x");\n',
      "');_debugLog('",
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(hostile, fc.string())), (parts) => {
        const line = `  exports1[${JSON.stringify(parts.join(''))}];\n`
        expect(rewrite(line, pattern).text).toBe(line)
        expect(withoutCalls(line, '_debugLog').text).toBe(line)
      }),
    )
  })

  test('of calls to remove steps over literals, and leaves what it cannot read', () => {
    const text = '  log("a ) b", { c: `${d(")")}` });\nkeep(log(1));\n  log(1) + 2;\nlog(\'\\\')\');\nend\n'
    expect(withoutCalls(text, 'log')).toEqual({ text: 'keep(log(1));\n  log(1) + 2;\nend\n', count: 2 })
  })
})
