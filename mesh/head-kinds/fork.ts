/**
 * A release that lost against the newest of its app, which has the same number. A node that held the winner first
 * would otherwise never hear that there were two.
 */
import { compareHeads, type Head } from '../heads/index.ts'
import type { HistoryEntry } from '../releases/index.ts'
import type { HeadKind, Holdings } from './kind.ts'

const prefix = 'fork/'

export function forkKind({ releases }: Holdings): HeadKind {
  const lostOf = (app: string): HistoryEntry[] => releases.history(app).filter(({ role }) => role === 'fork')
  const headOf = (app: string): Head | null => {
    const seq = releases.head(app)?.record.seq
    const lost = lostOf(app)
      .filter(({ record }) => record.seq === seq)
      .map(({ record, digest, bytes }): Head => {
        return { key: `${prefix}${app}`, order: [record.seq, 0], digest, bytes }
      })
    return lost.sort(compareHeads)[0] ?? null
  }
  return {
    prefix,
    heads: () => releases.heads().flatMap(({ record }) => headOf(record.app) ?? []),
    head: headOf,
    async accept(bytes) {
      const { record, digest } = await releases.offer(bytes)
      return lostOf(record.app).some((release) => release.digest === digest) ? 'accepted' : 'older'
    },
  }
}
