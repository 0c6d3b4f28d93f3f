import { defineProblems } from '../errors.ts'

export const codecProblems = defineProblems({
  ERR_CBOR: {
    kind: 'remote',
    text: 'bytes are not the deterministic CBOR that nodes speak',
    fix: 'fetch the record again; if it stays so, its sender is broken or hostile',
  },
  ERR_CBOR_SIZE: {
    kind: 'remote',
    text: 'a record has more bytes than its kind may have',
    fix: 'fetch the record again; if it stays so, its sender is broken or hostile',
  },
  ERR_CBOR_TRAILING: {
    kind: 'remote',
    text: 'bytes follow behind the end of a record',
    fix: 'fetch the record again; if it stays so, its sender is broken or hostile',
  },
  ERR_SIGNATURE: {
    kind: 'remote',
    text: 'bytes are not signed, or were altered after they were signed',
    fix: 'ask the signer for the record again; never use it as it is',
  },
})
