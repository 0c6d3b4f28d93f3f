/** Admission receipts: a member's word that it let this node in on this invite, and no other node before it. */
import * as v from 'valibot'
import { digestOf, encodeCbor, isSelvedgeError, sign1, verify1 } from '../../core/index.ts'
import type { Digest, KeyPair } from '../../core/index.ts'
import { digestField, publicKeyField, readPayload, timeField } from './fields.ts'
import { identityProblems } from './problems.ts'

export const maxReceiptBytes = 1_024

export interface ReceiptRecord {
  readonly v: 1
  readonly mesh: Digest
  /** Public key of the admitted node. */
  readonly node: Uint8Array
  readonly inviteId: Digest
  /** Digest of the certificate's payload. */
  readonly certificate: Digest
  /** The member's wall clock, ms since the epoch. */
  readonly at: number
}

/** A receipt whose signature holds; whether its signer is a member is for the caller to decide. */
export interface Receipt {
  readonly bytes: Uint8Array
  readonly digest: Digest
  readonly record: ReceiptRecord
  /** Public key of the member or admin that signed. */
  readonly signer: Uint8Array
}

const schema = v.looseObject({
  v: v.literal(1),
  mesh: digestField,
  node: publicKeyField,
  inviteId: digestField,
  certificate: digestField,
  at: timeField,
})

export function signReceipt(record: ReceiptRecord, key: KeyPair): Uint8Array {
  return sign1({ purpose: 'receipt', payload: encodeCbor(record), key })
}

/** @throws ERR_CREDENTIAL_INVALID */
export function readReceipt(bytes: Uint8Array): Receipt {
  try {
    const { payload, kid } = verify1(bytes, { purpose: 'receipt', maxBytes: maxReceiptBytes })
    return {
      bytes,
      digest: digestOf(bytes),
      record: readPayload(schema, payload, maxReceiptBytes, invalid),
      signer: kid,
    }
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_SIGNATURE')) throw invalid(error.message, error)
    throw error
  }
}

function invalid(what: string, cause?: unknown): Error {
  return identityProblems.error('ERR_CREDENTIAL_INVALID', `an admission receipt was refused: ${what}`, {
    cause,
  })
}
