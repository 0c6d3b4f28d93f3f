/**
 * Deploy keys: a publisher's key as one line of text, for the secret store of a build job.
 *
 * The text names the mesh, so that a job cannot sign for another one by mistake, and carries a checksum, so that a line
 * that was cut is told from a wrong key. No message ever shows a part of it.
 */
import { createHash } from 'node:crypto'
import { keyPairFromSeed, seedBytes, type Digest, type KeyPair } from '../../core/index.ts'
import { identityProblems } from './problems.ts'

export const deployPrefix = 'selvedge-deploy-1.'
const meshBytes = 32
const sumBytes = 4

/** @param key.seed 32 bytes: whoever reads the text can publish */
export function encodeDeployKey({ meshId, seed }: { meshId: Digest; seed: Uint8Array }): string {
  const body = Buffer.concat([Buffer.from(meshId, 'hex'), seed])
  return deployPrefix + Buffer.concat([body, checksum(body)]).toString('base64url')
}

/** @throws ERR_KEY_TEXT */
export function readDeployKey(text: string): { meshId: Digest; key: KeyPair } {
  const line = text.trim()
  if (!line.startsWith(deployPrefix)) throw unreadable(`it does not start with ${deployPrefix}`)
  const encoded = line.slice(deployPrefix.length)
  if (encoded.length > 256) throw unreadable('it is too long')
  const bytes = Buffer.from(encoded, 'base64url')
  const body = bytes.subarray(0, meshBytes + seedBytes)
  const isWhole =
    bytes.length === meshBytes + seedBytes + sumBytes &&
    // Node.js skips what is no base64url.
    bytes.toString('base64url') === encoded &&
    Buffer.compare(bytes.subarray(meshBytes + seedBytes), checksum(body)) === 0
  if (!isWhole) throw unreadable('a character is wrong or missing')
  return {
    meshId: body.subarray(0, meshBytes).toString('hex'),
    key: keyPairFromSeed(new Uint8Array(body.subarray(meshBytes))),
  }
}

function checksum(body: Uint8Array): Buffer {
  return createHash('sha256').update(deployPrefix).update(body).digest().subarray(0, sumBytes)
}

function unreadable(what: string): Error {
  return identityProblems.error('ERR_KEY_TEXT', `the deploy key cannot be read: ${what}`)
}
