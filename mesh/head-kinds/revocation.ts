/** Revocations, a head each: the set only grows, so none is ever newer than another. */
import type { Head } from '../heads/index.ts'
import type { SignedRevocation } from '../identity/index.ts'
import type { HeadKind, Holdings } from './kind.ts'

const prefix = 'revocation/'

export function revocationKind({ trust: { revocations } }: Holdings): HeadKind {
  return {
    prefix,
    heads: () => revocations.all().map(headOf),
    async accept(bytes) {
      return (await revocations.offer(bytes)).outcome
    },
  }
}

function headOf({ digest, bytes }: SignedRevocation): Head {
  return { key: `${prefix}${digest}`, order: [0, 0], digest, bytes }
}
