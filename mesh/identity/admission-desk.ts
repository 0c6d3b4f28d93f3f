/**
 * Where a member lets newcomers in: an invite is good once, and that it was used is on the disk before anybody
 * holds a receipt for it.
 *
 * The receipt follows from what was written (Ed25519 signs deterministically), so a crash in between, or an answer
 * that got lost, is healed by asking again: the same application gets the same receipt, byte by byte.
 */
import * as v from 'valibot'
import {
  encodeCbor,
  isSelvedgeError,
  shortDigest,
  type Clock,
  type Digest,
  type DurableFolder,
  type KeyPair,
} from '../../core/index.ts'
import type { Certificate } from './certificate.ts'
import type { CredentialBook } from './credential-book.ts'
import { encodeCredential, readApplication } from './credential.ts'
import { digestField, readPayload, timeField } from './fields.ts'
import { requireFresh, requireMesh, type SignedInvite } from './invite.ts'
import { isNodeId, type NodeId } from './node-id.ts'
import { identityProblems } from './problems.ts'
import { signReceipt, type ReceiptRecord } from './receipt.ts'
import type { Trust } from './trust-store.ts'
import { Turns } from './turns.ts'

const maxUseBytes = 1_024
const useSchema = v.looseObject({
  v: v.literal(1),
  node: v.custom<NodeId>(isNodeId),
  certificate: digestField,
  at: timeField,
})
type Use = v.InferOutput<typeof useSchema>

export interface AdmissionDeskOptions {
  readonly trust: Trust
  /** Knows which invites let in a node elsewhere. */
  readonly book: CredentialBook
  /** One small file for each invite used here; only invites that an admin signed get one. */
  readonly folder: DurableFolder
  readonly nodeKey: KeyPair
  readonly clock: Clock
}

export interface Admission {
  readonly node: NodeId
  readonly name: string
  /** The receipt alone, and the newcomer's whole credential. */
  readonly receipt: Uint8Array
  readonly credential: Uint8Array
}

export class AdmissionDesk {
  readonly #options: AdmissionDeskOptions
  readonly #turns = new Turns()

  constructor(options: AdmissionDeskOptions) {
    this.#options = options
  }

  /**
   * Lets a node in, or says why not.
   * @param remote the peer id that the secured connection has proved
   * @throws ERR_APPLICATION_INVALID, ERR_APPLICATION_SCOPE, ERR_TOKEN_MALFORMED, ERR_TOKEN_MESH, ERR_TOKEN_SIGNER,
   *   ERR_TOKEN_EXPIRED, ERR_TOKEN_USED, ERR_TRUST_MISSING
   */
  redeem(application: Uint8Array, remote: NodeId): Promise<Admission> {
    return this.#turns.take(async () => {
      const { invite, certificate } = readApplication(application)
      if (certificate.node !== remote) {
        throw identityProblems.error(
          'ERR_APPLICATION_INVALID',
          `${remote} brings the certificate of ${certificate.node}`,
        )
      }
      this.#requireAdmin(invite)
      const elsewhere = this.#options.book.byInvite(invite.id)
      if (elsewhere !== null) {
        if (elsewhere.certificate.digest !== certificate.digest) throw used(invite, elsewhere.node)
        return admission(certificate, elsewhere.receipt.bytes, elsewhere.bytes)
      }
      const use = (await this.#readUse(invite)) ?? (await this.#recordUse(invite, certificate))
      if (use.certificate !== certificate.digest) throw used(invite, use.node)
      return this.#admit(invite, certificate, use.at)
    })
  }

  #requireAdmin(invite: SignedInvite): void {
    const { trust } = this.#options
    requireMesh(invite, trust.meshId)
    if (trust.current === null) {
      throw identityProblems.error(
        'ERR_TRUST_MISSING',
        'this node cannot admit anybody before it has the trust bundle',
      )
    }
    if (!trust.isAdmin(invite.admin)) {
      throw identityProblems.error(
        'ERR_TOKEN_SIGNER',
        'the key that signed the invite is no admin key of this mesh',
      )
    }
  }

  async #readUse(invite: SignedInvite): Promise<Use | null> {
    try {
      const bytes = await this.#options.folder.read(fileName(invite.id), maxUseBytes)
      return bytes === null ? null : readPayload(useSchema, bytes, maxUseBytes, unreadable)
    } catch (error) {
      if (isSelvedgeError(error, 'ERR_FILE_TOO_LARGE')) throw unreadable(error.message, error)
      throw error
    }
  }

  /** The first use: only now does the expiry count, and only after the write does the receipt exist. */
  async #recordUse(invite: SignedInvite, certificate: Certificate): Promise<Use> {
    const { clock, folder } = this.#options
    const at = clock.now()
    requireFresh(invite, at)
    const use: Use = { v: 1, node: certificate.node, certificate: certificate.digest, at }
    await folder.write(fileName(invite.id), encodeCbor(use))
    return use
  }

  #admit(invite: SignedInvite, certificate: Certificate, at: number): Admission {
    const record: ReceiptRecord = {
      v: 1,
      mesh: this.#options.trust.meshId,
      node: certificate.record.node,
      inviteId: invite.id,
      certificate: certificate.digest,
      at,
    }
    const receipt = signReceipt(record, this.#options.nodeKey)
    const credential = encodeCredential({ invite: invite.bytes, certificate: certificate.bytes, receipt })
    return admission(certificate, receipt, credential)
  }
}

function admission(certificate: Certificate, receipt: Uint8Array, credential: Uint8Array): Admission {
  return { node: certificate.node, name: certificate.record.name, receipt, credential }
}

function fileName(inviteId: Digest): string {
  return `${inviteId}.cbor`
}

function used(invite: SignedInvite, node: NodeId): Error {
  return identityProblems.error(
    'ERR_TOKEN_USED',
    `invite ${shortDigest(invite.id)} has let in ${node} already`,
  )
}

/** A damaged record still says that there was a use. */
function unreadable(what: string, cause?: unknown): Error {
  return identityProblems.error(
    'ERR_TOKEN_USED',
    `the invite was used, by whom cannot be read any more: ${what}`,
    { cause },
  )
}
