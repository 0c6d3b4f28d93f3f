/** The newest release of each app. */
import type { Head } from '../heads/index.ts'
import type { HeldRelease } from '../releases/index.ts'
import type { HeadKind, Holdings } from './kind.ts'

const prefix = 'release/'

export function releaseKind({ releases }: Holdings): HeadKind {
  return {
    prefix,
    heads: () => releases.heads().map(headOf),
    head(app) {
      const head = releases.head(app)
      return head === null ? null : headOf(head)
    },
    async accept(bytes) {
      const { outcome } = await releases.offer(bytes)
      if (outcome === 'accepted' || outcome === 'fork-won') return 'accepted'
      return outcome === 'known' ? 'known' : 'older'
    },
  }
}

function headOf({ record, digest, bytes }: HeldRelease): Head {
  return { key: `${prefix}${record.app}`, order: [record.seq, 0], digest, bytes }
}
