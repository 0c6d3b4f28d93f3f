import { describe, expect, it } from 'vitest'
import { dropAtRandom, tableOf } from './firewall.ts'

describe('the rules of a namespace', () => {
  it('replace all that were there, and have no chain without a rule', () => {
    expect(tableOf({ input: ['ip saddr 10.86.0.1 drop'], forward: [] })).toBe(
      [
        'table inet lab',
        'delete table inet lab',
        'table inet lab {',
        '  chain on_input {',
        '    type filter hook input priority 0; policy accept;',
        '    ip saddr 10.86.0.1 drop',
        '  }',
        '}',
        '',
      ].join('\n'),
    )
    expect(tableOf({})).toBe('table inet lab\ndelete table inet lab\ntable inet lab {\n}\n')
  })

  it('lose the share of packets that was asked for', () => {
    expect(dropAtRandom(0.1)).toBe('numgen random mod 10000 < 1000 drop')
    expect(dropAtRandom(1)).toBe('numgen random mod 10000 < 10000 drop')
  })
})
