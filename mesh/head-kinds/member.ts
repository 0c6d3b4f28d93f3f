/**
 * The nodes' credentials, each with all that it rests on. Also of nodes turned out: only who holds the same credentials
 * says the same of them.
 */
import { encodeCbor } from '../../core/index.ts'
import type { Head } from '../heads/index.ts'
import type { NodeId, VerifiedCredential } from '../identity/index.ts'
import { readChain, type HeadKind, type Holdings } from './kind.ts'

export function memberKind({ credentials }: Holdings): HeadKind {
  /** One for each node, made again when a credential in its chain is another: most changes are about one node. */
  let made = new Map<NodeId, { readonly chain: readonly Uint8Array[]; readonly head: Head }>()
  const headOf = (
    id: NodeId,
    chain: readonly Uint8Array[],
    { record, digest }: VerifiedCredential['receipt'],
  ): Head => {
    const known = made.get(id)
    const isSame =
      known?.chain.length === chain.length && chain.every((bytes, at) => bytes === known.chain[at])
    if (known !== undefined && isSame) return known.head
    // Ordered as the credential book ranks two credentials of one node.
    return { key: `member/${id}`, order: [record.at, 0], digest, bytes: encodeCbor(chain) }
  }
  return {
    prefix: 'member/',
    heads() {
      const next: typeof made = new Map()
      for (const id of credentials.nodes()) {
        const chain = credentials.chainFor(id)
        const receipt = credentials.get(id)?.receipt
        if (chain === null || receipt === undefined) continue
        next.set(id, { chain, head: headOf(id, chain, receipt) })
      }
      made = next
      return [...made.values()].map(({ head }) => head)
    },
    async accept(bytes) {
      const { outcome } = await credentials.offerChain(readChain(bytes))
      if (outcome === 'accepted' || outcome === 'revoked') return 'accepted'
      return outcome === 'known' ? 'known' : 'older'
    },
  }
}
