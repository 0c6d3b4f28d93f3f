/**
 * The two ways into a mesh: founding one, and redeeming an invite. Both leave a data folder that can start offline.
 */
import {
  messageOf,
  within,
  type Clock,
  type Digest,
  type DurableFolder,
  type Log,
  type Random,
} from '../core/index.ts'
import { admissionProblems, askToJoin, closedGate } from './admission/index.ts'
import {
  applyForAdmission,
  createMesh,
  encodeCredential,
  foundingCredential,
  maxTrustBytes,
  openCredentialBook,
  openTrustStore,
  readApplication,
  readInvite,
  readTrust,
  type KeyRing,
  type NodeIdentity,
  type TrustStore,
} from './identity/index.ts'
import { createTransport } from './transport/index.ts'

/** The bundle of a mesh whose founding has begun; gone when it is done. */
const foundingFile = 'founding.cose'

/** What the connections of a join get to close in. */
const partingMs = 5_000

export interface EntryOptions {
  /** The node's data folder. */
  readonly folder: DurableFolder
  readonly identity: NodeIdentity
  readonly name: string
  readonly clock: Clock
  readonly random: Random
}

/**
 * Makes a private mesh: its keys go to the operator's key ring, its first member is this node. A founding that was
 * interrupted after the trust bundle was kept is taken up where it stopped.
 * @param options.meshName for people
 * @throws ERR_KEY_…, ERR_IDENTITY_MESH
 */
export async function foundMesh(
  options: EntryOptions & { meshName: string; groups: readonly string[]; keyRing: KeyRing },
): Promise<Digest> {
  const { folder, identity, name, groups, keyRing, clock, random } = options
  const meshId = identity.meshId ?? (await makeTrust(options))
  const trust = await openTrust(folder, meshId)
  const credential = foundingCredential({
    admin: await keyRing.get(meshId, 'admin'),
    mesh: meshId,
    roots: trust.current?.record.roots ?? [],
    nodeKey: identity.key,
    name,
    groups,
    roles: [],
    clock,
    random,
  })
  await identity.join(meshId, credential)
  return meshId
}

async function makeTrust(options: Parameters<typeof foundMesh>[0]): Promise<Digest> {
  const { folder, identity, meshName, keyRing, clock, random } = options
  const intend = (trust: Uint8Array): Promise<void> => folder.write(foundingFile, trust)
  const made =
    (await unfinished(folder, keyRing)) ??
    (await createMesh({ name: meshName, keyRing, now: clock.now(), random, intend }))
  await (await openTrust(folder, made.meshId)).offer(made.trust)
  // Last: from here on the folder belongs to this mesh and to no other.
  await identity.found(made.meshId)
  await folder.remove(foundingFile)
  return made.meshId
}

/** A mesh that this folder was about to found, if all its keys were kept: else it would leave keys to nothing behind. */
async function unfinished(
  folder: DurableFolder,
  keyRing: KeyRing,
): Promise<{ meshId: Digest; trust: Uint8Array } | null> {
  const trust = await folder.read(foundingFile, maxTrustBytes).catch(() => null)
  if (trust === null) return null
  try {
    const meshId = readTrust(trust).digest
    for (const role of ['root', 'admin', 'publisher'] as const) await keyRing.get(meshId, role)
    return { meshId, trust }
  } catch {
    return null
  }
}

/**
 * Redeems an invite. Everything the member says is checked against the mesh id in the token before it is kept.
 * @param options.groups a part of what the invite gives; all of it where empty
 * @throws ERR_TOKEN_…, ERR_JOIN_UNREACHABLE, ERR_JOIN_ANSWER, ERR_APPLICATION_SCOPE, ERR_IDENTITY_MESH
 */
export async function joinMesh(
  options: EntryOptions & { token: string; groups: readonly string[]; log: Log; signal: AbortSignal },
): Promise<Digest> {
  const { folder, identity, name, token, groups, clock, random, log, signal } = options
  const known = identity.meshId
  const invite = readInvite(token, { now: clock.now(), ...(known === null ? {} : { mesh: known }) })
  const application = applyForAdmission({
    invite,
    nodeKey: identity.key,
    name: invite.record.name ?? name,
    ...(groups.length === 0 ? {} : { groups }),
  })
  const transport = createTransport({
    privateKeySeed: identity.seed,
    listen: [],
    gate: closedGate,
    clock,
    random,
    log,
  })
  await transport.start?.()
  try {
    const welcome = await askToJoin({ transport, clock }, invite, application, signal)
    const meshId = invite.record.mesh
    const trust = await openTrust(folder, meshId)
    await trust.offerChain(welcome.trust)
    const credentials = await openCredentialBook({
      trust,
      folder: await folder.folder('members'),
      onAlarm: () => {},
    })
    await credentials.offerChain(welcome.vouchers)
    const certificate = readApplication(application).certificate.bytes
    const credential = encodeCredential({ invite: invite.bytes, certificate, receipt: welcome.receipt })
    await credentials.offer(credential)
    // Anybody can sign a receipt and pass on what members show; only a member's receipt makes a member.
    if (!credentials.isMember(identity.nodeId)) {
      throw admissionProblems.error('ERR_JOIN_ANSWER', 'no member of the mesh vouches for the receipt')
    }
    await identity.join(meshId, credential)
    return meshId
  } finally {
    // Whether the join went well is decided: a connection that does not end must not change that.
    await within({ clock, ms: partingMs }, async () => transport.stop?.()).catch((error: unknown) =>
      log.warn('join:parting', { error: messageOf(error) }),
    )
  }
}

async function openTrust(folder: DurableFolder, meshId: Digest): Promise<TrustStore> {
  return openTrustStore({ meshId, folder: await folder.folder('trust'), onAlarm: () => {} })
}
