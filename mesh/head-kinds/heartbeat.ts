/** The newest heartbeat of each present admin. */
import type { HeadKind, Holdings } from './kind.ts'

const prefix = 'heartbeat/'

export function heartbeatKind({ heartbeats }: Holdings): HeadKind {
  return {
    prefix,
    heads() {
      return heartbeats.all().map(({ name, record, digest, bytes }) => {
        return { key: `${prefix}${name}`, order: [record.counter, 0], digest, bytes }
      })
    },
    async accept(bytes) {
      return (await heartbeats.offer(bytes)).outcome
    },
  }
}
