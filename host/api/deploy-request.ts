/**
 * How a build job proves that it holds a publisher's key, request by request: the one line that both sides sign and check.
 *
 * Signed are the mesh, a number that the node made when it started, method, path, query and the digest of the body. So a
 * request serves on one node, until that starts anew, for exactly what it asks; whoever repeats it asks the same again.
 */
import { encodeCbor, isDigest, verifySignature, type Digest, type KeyPair } from '../../core/index.ts'

const scheme = 'Selvedge-Deploy'
/** key 64, body 64, signature 86 characters, and what stands between. */
const longestHeader = 320
const headerPattern = new RegExp(
  `^${scheme} key=([0-9a-f]{64}), body=([0-9a-f]{64}), signature=([A-Za-z0-9_-]{86})$`,
)

/** What a node tells whoever asks, before anything is signed. */
export interface DeployGreeting {
  readonly mesh: Digest
  /** Of this start of the node; 64 characters of hexadecimal. */
  readonly nonce: string
}

export interface DeployRequest extends DeployGreeting {
  readonly method: string
  /** With its query, as it stands in the request. */
  readonly path: string
  /** SHA-256 of the body; of nothing where there is none. */
  readonly body: Digest
}

export interface DeployProof {
  readonly key: Uint8Array
  readonly body: Digest
}

/** @returns the Authorization field */
export function signDeployRequest(request: DeployRequest, key: KeyPair): string {
  const signature = Buffer.from(key.sign(signedBytes(request))).toString('base64url')
  return `${scheme} key=${Buffer.from(key.publicKey).toString('hex')}, body=${request.body}, signature=${signature}`
}

/** @returns whose key signed this request, and what body it must have; null where nobody's did */
export function readDeployRequest(
  field: string | undefined,
  request: Omit<DeployRequest, 'body'>,
): DeployProof | null {
  if (field === undefined || field.length > longestHeader) return null
  const [, hexKey = '', body = '', signature = ''] = headerPattern.exec(field) ?? []
  if (!isDigest(body)) return null
  const key = new Uint8Array(Buffer.from(hexKey, 'hex'))
  const bytes = signedBytes({ ...request, body })
  return verifySignature(key, bytes, new Uint8Array(Buffer.from(signature, 'base64url')))
    ? { key, body }
    : null
}

function signedBytes({ mesh, nonce, method, path, body }: DeployRequest): Uint8Array {
  return encodeCbor(['selvedge/deploy-request/1', mesh, nonce, method, path, body])
}
