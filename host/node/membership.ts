/** How a data folder comes to belong to a mesh: it does already, it redeems an invite, or it founds one. */
import { hostname } from 'node:os'
import { shortDigest, type Clock, type DurableFolder, type Log, type Random } from '../../core/index.ts'
import {
  foundMesh,
  joinMesh,
  openKeyRing,
  readInvite,
  verifyCredential,
  type NodeIdentity,
} from '../../mesh/index.ts'
import { nodeProblems } from './problems.ts'

export type Origin = 'created' | 'joined' | 'resumed'

export interface EntryNeeds {
  readonly folder: DurableFolder
  readonly identity: NodeIdentity
  /** As typed or configured; null for the host's name. */
  readonly name: string | null
  readonly groups: readonly string[]
  readonly token: string | undefined
  /** Gives up a join that waits for an answer. */
  readonly signal: AbortSignal | undefined
  /** The operator's key folder; only a founding writes to it. */
  readonly keys: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

const joinMs = 30_000
const namePattern = /^[a-z][a-z0-9-]{0,62}$/
const groupPattern = /^[a-z0-9][a-z0-9-]{0,62}$/

/**
 * Makes sure that the identity belongs to a mesh.
 * @throws ERR_NODE_MEMBER, ERR_NODE_NAME, ERR_NODE_GROUP, and what joining or founding throws; the reason of `signal`
 */
export async function enterMesh(needs: EntryNeeds): Promise<Origin> {
  const { folder, identity, groups, token, keys, clock, random, log } = needs
  if (identity.state === 'joined') {
    resume(needs)
    return 'resumed'
  }
  // Before anything is made or asked for: a wrong name must not cost a token, nor leave half a mesh behind.
  const name = needs.name === null ? nameFrom(hostname()) : checkedName(needs.name)
  for (const group of groups) checkGroup(group)
  const entry = { folder, identity, name, groups, clock, random }
  if (token !== undefined) {
    await joinInTime(needs, (ends) => joinMesh({ ...entry, token, log, signal: ends }))
    return 'joined'
  }
  await foundMesh({ ...entry, meshName: name, keyRing: openKeyRing(keys) })
  // Now, not when the node is ready: should it fail to start, this is still the only place that names the keys.
  log.info('mesh:founded', { name, keys })
  return 'created'
}

/** Gives a join up when its time is over or a person ends it; what it had begun is undone before this returns. */
async function joinInTime(
  { clock, signal }: Pick<EntryNeeds, 'clock' | 'signal'>,
  join: (ends: AbortSignal) => Promise<unknown>,
): Promise<void> {
  signal?.throwIfAborted()
  const ends = new AbortController()
  const onAbort = (): void => ends.abort(signal?.reason)
  const cancel = clock.after(joinMs, () => ends.abort(new Error(`no answer in ${joinMs / 1_000} s`)))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await join(ends.signal)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}

/**
 * A service repeats the command line it was set up with: what its certificate has answered already is no error.
 * @throws ERR_NODE_MEMBER for a token of another mesh, ERR_TOKEN_MALFORMED
 */
function resume({ folder, identity, name, groups, token, log }: EntryNeeds): void {
  const { meshId, credential } = identity
  if (meshId === null || credential === null) return
  if (token !== undefined) {
    // Whether it is used up or expired is all one here.
    const { mesh } = readInvite(token).record
    if (mesh !== meshId) {
      throw nodeProblems.error(
        'ERR_NODE_MEMBER',
        `${folder.path} belongs to a member of mesh ${shortDigest(meshId)}, the token is for mesh ${shortDigest(mesh)}`,
      )
    }
    log.info('token:not-needed', { mesh: shortDigest(meshId), why: 'this node is a member already' })
  }
  const certified = certificateOf(credential)
  if (certified === null) return
  const why = 'its certificate decides; a node gets another one in a new data folder, with a new invite'
  if (name !== null && name !== certified.name) {
    log.warn('name:not-used', { name, certified: certified.name, why })
  }
  if (groups.length > 0 && !sameMembers(groups, certified.groups)) {
    log.warn('groups:not-used', { groups, certified: certified.groups, why })
  }
}

/** null for one that does not verify: opening the mesh says what is wrong with it. */
function certificateOf(credential: Uint8Array): { name: string; groups: readonly string[] } | null {
  try {
    return verifyCredential(credential).certificate.record
  } catch {
    return null
  }
}

function sameMembers(some: readonly string[], others: readonly string[]): boolean {
  const set = new Set(some)
  return set.size === new Set(others).size && others.every((each) => set.has(each))
}

/**
 * Engines name containers by numbers, which begin with a digit as often as not: `node-4e1f…`.
 * @throws ERR_NODE_NAME where nothing usable is left of the host's name
 */
export function nameFrom(host: string): string {
  const name = (host.toLowerCase().split('.')[0] ?? '').replace(/[^a-z0-9-]/g, '-').slice(0, 63)
  if (namePattern.test(name)) return name
  const withLetter = `node-${name}`.slice(0, 63)
  if (/[a-z0-9]/.test(name) && namePattern.test(withLetter)) return withLetter
  throw nodeProblems.error(
    'ERR_NODE_NAME',
    `this machine's name, ${JSON.stringify(host)}, cannot be a node's`,
  )
}

function checkedName(name: string): string {
  if (namePattern.test(name)) return name
  throw nodeProblems.error('ERR_NODE_NAME', `${JSON.stringify(name)} cannot be a node's name`)
}

function checkGroup(group: string): void {
  if (groupPattern.test(group)) return
  throw nodeProblems.error('ERR_NODE_GROUP', `${JSON.stringify(group)} cannot be a group's name`)
}
