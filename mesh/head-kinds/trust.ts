/** The trust bundle, with all versions before it: one head is enough to verify it. */
import { encodeCbor } from '../../core/index.ts'
import { readChain, type HeadKind, type Holdings } from './kind.ts'

export function trustKind({ trust }: Holdings): HeadKind {
  return {
    prefix: 'trust',
    heads() {
      const { current } = trust
      if (current === null) return []
      const order = [current.record.version, 0] as const
      return [{ key: 'trust', order, digest: current.digest, bytes: encodeCbor(trust.chain()) }]
    },
    async accept(bytes) {
      const before = trust.current?.digest
      await trust.offerChain(readChain(bytes))
      return trust.current?.digest === before ? 'known' : 'accepted'
    },
  }
}
