import { defineProblems } from '../errors.ts'

export const codecProblems = defineProblems({
  ERR_CBOR: {
    kind: 'remote',
    text: 'bytes are not the deterministic CBOR that nodes speak',
    fix: 'fetch the record again; if it stays so, its sender is broken or hostile',
  },
  ERR_SIGNATURE: {
    kind: 'remote',
    text: 'bytes are not signed, or were altered after they were signed',
    fix: 'ask the signer for the record again; never use it as it is',
  },
})
