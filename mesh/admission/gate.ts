/**
 * Who may come in: each side shows its credential with the vouchers behind it, and checks the other's.
 *
 * Both greet on every connection; until both have checked, the transport carries nothing else of that peer.
 */
import { decodeCbor, encodeCbor, messageOf, shortDigest, type Digest } from '../../core/index.ts'
import { maxChain, type CredentialBook, type NodeId } from '../identity/index.ts'
import { transportLimits, type AdmissionGate } from '../transport/index.ts'
import { admissionProblems } from './problems.ts'

export interface GateOptions {
  readonly meshId: Digest
  readonly self: NodeId
  readonly credentials: CredentialBook
}

/** The gate of a member: shows its own chain of credentials, and checks what the remote shows against the book. */
export function createGate({ meshId, self, credentials }: GateOptions): AdmissionGate {
  return {
    async greet() {
      return encodeCbor({ v: 1, mesh: meshId, chain: credentials.chainFor(self) ?? [] })
    },
    async check(remote, greeting) {
      const { mesh, chain } = readGreeting(greeting)
      if (mesh !== meshId) {
        throw admissionProblems.error('ERR_ADMISSION_MESH', `${remote} is of mesh ${shortDigest(mesh)}`)
      }
      if (chain.length > 0) await credentials.offerChain(chain)
      if (credentials.isRevoked(remote)) {
        throw admissionProblems.error('ERR_ADMISSION_REVOKED', `${remote} was revoked`)
      }
      if (!credentials.isMember(remote)) {
        throw admissionProblems.error('ERR_ADMISSION_STRANGER', `${remote} showed no credential that stands`)
      }
    },
  }
}

/** A gate for the time before a node has joined: nobody passes. */
export const closedGate: AdmissionGate = {
  async greet() {
    return encodeCbor({ v: 1, mesh: '', chain: [] })
  },
  async check(remote) {
    throw admissionProblems.error(
      'ERR_ADMISSION_STRANGER',
      `this node has not joined yet, ${remote} must wait`,
    )
  },
}

function readGreeting(bytes: Uint8Array): { mesh: Digest; chain: Uint8Array[] } {
  let value: unknown
  try {
    value = decodeCbor(bytes, {
      maxBytes: transportLimits.greetingBytes,
      maxDepth: 2,
      maxItems: maxChain + 16,
    })
  } catch (cause) {
    throw unreadable(messageOf(cause), cause)
  }
  const { v, mesh, chain } = (value ?? {}) as Record<string, unknown>
  if (v !== 1 || typeof mesh !== 'string') throw unreadable('it is of a version this node does not read')
  if (
    !Array.isArray(chain) ||
    chain.length > maxChain ||
    !chain.every((item) => item instanceof Uint8Array)
  ) {
    throw unreadable('its chain of credentials has the wrong form')
  }
  return { mesh, chain: chain as Uint8Array[] }
}

function unreadable(what: string, cause?: unknown): Error {
  return admissionProblems.error('ERR_ADMISSION_GREETING', `the greeting was refused: ${what}`, { cause })
}
