/**
 * What makes a data folder one node: its key, how often it has booted, and the mesh it belongs to.
 *
 * (boot counter, boot nonce) tell two runs of one identity apart: a counter alone cannot, where a disk was copied.
 */
import * as v from 'valibot'
import {
  encodeCbor,
  isSelvedgeError,
  keyPairFromSeed,
  seedBytes,
  shortDigest,
  type Digest,
  type DurableFolder,
} from '../../core/index.ts'
import type { KeyPair, Random } from '../../core/index.ts'
import type { OnAlarm } from './alarm.ts'
import { maxCredentialBytes } from './credential.ts'
import { countField, digestField, readPayload } from './fields.ts'
import { nodeIdOf, type NodeId } from './node-id.ts'
import { identityProblems } from './problems.ts'

const keyFile = 'node-key.cbor'
const bootFile = 'boot.cbor'
const meshFile = 'mesh.cbor'
const maxFileBytes = maxCredentialBytes + 256

const keySchema = v.looseObject({
  v: v.literal(1),
  seed: v.custom<Uint8Array>((seed) => seed instanceof Uint8Array && seed.length === seedBytes),
})
const bootSchema = v.looseObject({ v: v.literal(1), counter: countField })
const meshSchema = v.looseObject({
  v: v.literal(1),
  mesh: digestField,
  credential: v.nullable(v.instance(Uint8Array)),
})

/** `founding`: the mesh is made, this node's own credential is not yet. */
export type IdentityState = 'alone' | 'founding' | 'joined'

/**
 * Reads the identity of a data folder, makes one where there is none, and counts this boot.
 * @throws ERR_IDENTITY_DAMAGED where the key cannot be read: a node never becomes another one by itself
 */
export async function openNodeIdentity(
  folder: DurableFolder,
  random: Random,
  onAlarm: OnAlarm = () => {},
): Promise<NodeIdentity> {
  const stored = await readFile(folder, keyFile, keySchema)
  const seed = stored?.seed ?? random.bytes(seedBytes)
  if (stored === null) await folder.write(keyFile, encodeCbor({ v: 1, seed }))
  const mesh = await readFile(folder, meshFile, meshSchema)
  const boot = await readFile(folder, bootFile, bootSchema).catch((error: unknown) => {
    if (!isSelvedgeError(error, 'ERR_IDENTITY_DAMAGED')) throw error
    // Not worth losing the node: it jumps above its own older records when it meets them.
    onAlarm({
      code: 'ERR_STORED_DAMAGED',
      message: `the boot counter starts again: ${error.message}`,
      evidence: [],
    })
    return null
  })
  const counter = await countBoot(folder, (boot?.counter ?? 0) + 1, stored === null ? null : random)
  return new NodeIdentity({
    folder,
    key: keyPairFromSeed(seed),
    seed,
    boot: counter,
    bootNonce: random.bytes(16),
    meshId: mesh?.mesh ?? null,
    credential: mesh?.credential ?? null,
  })
}

/**
 * A node that was here before starts on a full disk as well. Then its next start counts from where this one did, so this one
 * takes a number far above, that nobody sees one number twice: a start that finds newer records of its own jumps above them.
 * @param random null for a new node, of which nothing is kept where its count cannot be
 */
async function countBoot(folder: DurableFolder, next: number, random: Random | null): Promise<number> {
  try {
    await folder.write(bootFile, encodeCbor({ v: 1, counter: next }))
    return next
  } catch (error) {
    if (random === null || !isSelvedgeError(error, 'ERR_DISK_FULL')) throw error
    const [high = 0, low = 0] = random.bytes(2)
    return next + 1 + high * 256 + low
  }
}

interface IdentityParts {
  readonly folder: DurableFolder
  readonly key: KeyPair
  readonly seed: Uint8Array
  readonly boot: number
  readonly bootNonce: Uint8Array
  readonly meshId: Digest | null
  readonly credential: Uint8Array | null
}

export class NodeIdentity {
  readonly nodeId: NodeId
  readonly key: KeyPair
  /** The private key, for the transport, which needs it to prove the peer id. Show it to nobody else. */
  readonly seed: Uint8Array
  /** 16 bytes, new at every boot. */
  readonly bootNonce: Uint8Array
  readonly #folder: DurableFolder
  #boot: number
  #meshId: Digest | null
  #credential: Uint8Array | null

  /** Use {@link openNodeIdentity}. */
  constructor(parts: IdentityParts) {
    this.nodeId = nodeIdOf(parts.key.publicKey)
    this.key = parts.key
    this.seed = parts.seed
    this.bootNonce = parts.bootNonce
    this.#folder = parts.folder
    this.#boot = parts.boot
    this.#meshId = parts.meshId
    this.#credential = parts.credential
  }

  /** Grows with every boot of this data folder. */
  get boot(): number {
    return this.#boot
  }

  get meshId(): Digest | null {
    return this.#meshId
  }

  /** This node's own credential, as the credential book takes it. */
  get credential(): Uint8Array | null {
    return this.#credential
  }

  get state(): IdentityState {
    if (this.#meshId === null) return 'alone'
    return this.#credential === null ? 'founding' : 'joined'
  }

  /** Binds the folder to a mesh this node founds. @throws ERR_IDENTITY_MESH where it belongs to another */
  found(meshId: Digest): Promise<void> {
    return this.#bind(meshId, null)
  }

  /** Keeps the node's credential; a newer one replaces an older one. @throws ERR_IDENTITY_MESH */
  join(meshId: Digest, credential: Uint8Array): Promise<void> {
    return this.#bind(meshId, credential)
  }

  /** Jumps above `counter`, a higher boot of its own that this node met: its disk is older than its memory elsewhere. */
  async raiseBoot(counter: number): Promise<void> {
    if (counter < this.#boot) return
    await this.#folder.write(bootFile, encodeCbor({ v: 1, counter: counter + 1 }))
    this.#boot = counter + 1
  }

  async #bind(meshId: Digest, credential: Uint8Array | null): Promise<void> {
    if (this.#meshId !== null && this.#meshId !== meshId) {
      throw identityProblems.error(
        'ERR_IDENTITY_MESH',
        `this node is a member of mesh ${shortDigest(this.#meshId)} and cannot become one of ${shortDigest(meshId)}`,
      )
    }
    const kept = credential ?? this.#credential
    await this.#folder.write(meshFile, encodeCbor({ v: 1, mesh: meshId, credential: kept }))
    this.#meshId = meshId
    this.#credential = kept
  }
}

async function readFile<Schema extends v.GenericSchema>(
  folder: DurableFolder,
  name: string,
  schema: Schema,
): Promise<v.InferOutput<Schema> | null> {
  const bytes = await folder.read(name, maxFileBytes)
  if (bytes === null) return null
  return readPayload(schema, bytes, maxFileBytes, (what, cause) =>
    identityProblems.error('ERR_IDENTITY_DAMAGED', `${name} cannot be read: ${what}`, { cause }),
  )
}
