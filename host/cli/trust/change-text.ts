/** One change of whom a mesh trusts, in words, for whoever is asked to sign it. */
import type { TrustDifference } from '../../../mesh/index.ts'
import { plain } from '../text.ts'
import { hex } from './keys.ts'

const signs = { added: '+', removed: '-', changed: '~' } as const

export function changeText(difference: TrustDifference): string[] {
  switch (difference.what) {
    case 'name':
      return [`~ name ${plain(difference.before)} → ${plain(difference.after)}`]
    case 'threshold':
      return [`~ ${difference.before} → ${difference.after} roots must sign`]
    case 'root':
    case 'admin':
      return [`${signs[difference.change]} ${difference.what} ${hex(difference.key)}`]
    case 'publisher': {
      const { change, key, before, after } = difference
      const entry = after ?? before
      const head = `${signs[change]} publisher ${hex(key)}`
      if (entry === null || change === 'removed') return [head]
      const was = before === null ? '' : ` (were ${may(before.apps)} with ${may(before.grants)})`
      return [head, `    apps ${may(entry.apps)}, grants ${may(entry.grants)}${was}`]
    }
  }
}

function may(patterns: readonly string[]): string {
  return patterns.map(plain).join(', ') || 'nothing'
}
