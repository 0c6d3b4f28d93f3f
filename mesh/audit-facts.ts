/** What the audit says of signed bytes that came in: who signed them, and what they are, in words. Never throws. */
import { shortDigest } from '../core/index.ts'
import { readChain } from './head-kinds/index.ts'
import {
  hexOf,
  readHeartbeat,
  readRevocation,
  readTrust,
  verifyCredential,
  type SignedRevocation,
} from './identity/index.ts'
import { readRelease } from './releases/index.ts'

export interface SignedFacts {
  readonly text: string
  /** Public keys in hexadecimal. */
  readonly signers: readonly string[]
}

/** By the kinds of heads; of other kinds there is nothing that people sign. */
const readers: Readonly<Record<string, (bytes: Uint8Array) => SignedFacts>> = {
  trust(bytes) {
    // Peers send the whole chain, an operator the one version.
    return trustFacts(newestOf(bytes))
  },
  revocation: (bytes) => revocationFacts(readRevocation(bytes)),
  release: releaseFacts,
  fork: releaseFacts,
  heartbeat(bytes) {
    const { record, admin } = readHeartbeat(bytes)
    return { text: `heartbeat ${record.counter}, of trust version ${record.trust}`, signers: [hexOf(admin)] }
  },
  member(bytes) {
    const { node, certificate, invite, receipt } = verifyCredential(readChain(bytes)[0] ?? new Uint8Array())
    const signers = [...new Set([hexOf(invite.admin), hexOf(receipt.signer)])]
    return { text: `${certificate.record.name} (${node}), invited and let in`, signers }
  },
}

/** @param kind as the heads' keys start: `release`. @returns null where nothing can be read of it */
export function factsOf(kind: string, bytes: Uint8Array): SignedFacts | null {
  const read = Object.hasOwn(readers, kind) ? readers[kind] : undefined
  try {
    return read?.(bytes) ?? null
  } catch {
    // What does not verify has no signers; that it was refused, and why, is told by who refused it.
    return null
  }
}

function newestOf(bytes: Uint8Array): Uint8Array {
  try {
    return readChain(bytes).at(-1) ?? bytes
  } catch {
    return bytes
  }
}

function trustFacts(bytes: Uint8Array): SignedFacts {
  const { record, signers } = readTrust(bytes)
  return { text: `trust version ${record.version}`, signers: signers.map(hexOf) }
}

function revocationFacts({ record, signers }: SignedRevocation): SignedFacts {
  const why = record.reason === '' ? '' : `: ${record.reason}`
  const of =
    record.kind === 'release'
      ? `release ${shortDigest(record.release)} of ${record.app} (${record.effect})`
      : `${record.kind} ${hexOf(record.key).slice(0, 16)}${record.kind === 'publisher' ? ` (${record.running})` : ''}`
  return { text: `revocation of ${of}${why}`, signers: signers.map(hexOf) }
}

function releaseFacts(bytes: Uint8Array): SignedFacts {
  const { record, publisher } = readRelease(bytes)
  return { text: `${record.app} ${record.version} (number ${record.seq})`, signers: [hexOf(publisher)] }
}
