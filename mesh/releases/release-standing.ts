/**
 * Which of the releases that a node has of one app still count: a pure function of them and of trust, asked again
 * whenever trust has changed. What counted yesterday may have rested on a bundle that lost, or on a key since revoked.
 *
 * Of a revoked publisher count, for each app, the listed release and those it follows by digest. Dates and numbers are
 * not looked at: a thief can write any. What falls is kept as evidence, and comes back where trust does.
 */
import { isSelvedgeError, type Digest } from '../../core/index.ts'
import { hexOf, type PublisherEntry, type Trust } from '../identity/index.ts'
import { releasesProblems } from './problems.ts'
import { maxForks, maxHistory, type History } from './sequence.ts'
import { requireDelegation, type SignedRelease } from './signed-release.ts'

/** Releases kept of one app that count no more. */
export const maxFallen = 8

/** All that is held of one app. */
export interface AppReleases<Release extends SignedRelease> extends History<Release> {
  /** Newest first. */
  readonly fallen: readonly Release[]
}

export function allOf<Release extends SignedRelease>(held: AppReleases<Release>): Release[] {
  return [...held.line, ...held.forks, ...held.fallen]
}

/** Why the newest release of an app must not run. */
export interface Halt {
  readonly code: 'ERR_RELEASE_REVOKED'
  /** What whoever revoked it wrote. */
  readonly reason: string
  /** Whether the release was revoked, or all of its publisher. */
  readonly of: 'release' | 'publisher'
}

export type StandingTrust = Pick<Trust, 'revoked' | 'publisher' | 'pastPublishers'>

/** Sorts all that is held anew. @returns the same object where everything stands as it stood */
export function settle<Release extends SignedRelease>(
  held: AppReleases<Release>,
  trust: StandingTrust,
): AppReleases<Release> {
  const all = allOf(held)
  const counts = countingOf(all, trust)
  const isSame =
    [...held.line, ...held.forks].every((release) => counts.has(release.digest)) &&
    !held.fallen.some(({ digest }) => counts.has(digest))
  if (isSame) return held
  const standing = all.filter(({ digest }) => counts.has(digest)).sort(newestFirst)
  const line = standing.filter(
    ({ record }, index) => index === 0 || standing[index - 1]?.record.seq !== record.seq,
  )
  return {
    line: line.slice(0, maxHistory),
    forks: standing.filter((release) => !line.includes(release)).slice(0, maxForks),
    fallen: all
      .filter(({ digest }) => !counts.has(digest))
      .sort(newestFirst)
      .slice(0, maxFallen),
  }
}

/** Digests of the releases of one app that count. */
function countingOf(all: readonly SignedRelease[], trust: StandingTrust): Set<Digest> {
  const byDigest = new Map(all.map((release) => [release.digest, release]))
  return new Set(
    all
      .filter((release) => wasAllowed(release, trust) && fallenBy(release, byDigest, trust) === null)
      .map(({ digest }) => digest),
  )
}

/**
 * Checks a release that comes in now: a publisher of the newest bundle may give it, or a revocation lists it.
 * @param held releases of the same app
 * @throws ERR_RELEASE_STRANGER, ERR_RELEASE_DELEGATION, ERR_RELEASE_REVOKED
 */
export function requireStanding(
  release: SignedRelease,
  held: readonly SignedRelease[],
  trust: StandingTrust,
): void {
  const { record, publisher } = release
  const byDigest = new Map([...held, release].map((known) => [known.digest, known]))
  const fallen = fallenBy(release, byDigest, trust)
  if (fallen !== null) throw revoked(release, fallen)
  if (trust.revoked.isPublisherRevoked(publisher)) {
    // It is listed: what the key was given before it was revoked is asked.
    if (wasAllowed(release, trust)) return
    throw stranger(release)
  }
  const entry = trust.publisher(publisher)
  if (entry === null) throw stranger(release)
  requireDelegation(record, entry)
}

/** Says why the newest release of an app must not run, though it counts; null where it may. */
export function haltOf(head: SignedRelease, trust: StandingTrust): Halt | null {
  const code = 'ERR_RELEASE_REVOKED'
  const { revoked: revocations } = trust
  const stop = revocations
    .ofRelease(head.digest, head.publisher)
    .find(({ record }) => record.effect === 'stop')
  if (stop !== undefined) return { code, reason: stop.record.reason, of: 'release' }
  const all = revocations.ofPublisher(head.publisher).find(({ running }) => running === 'stop')
  return all === undefined ? null : { code, reason: all.reason, of: 'publisher' }
}

/** Could its publisher release this in any version of the bundle? */
export function wasAllowed(release: SignedRelease, trust: Pick<Trust, 'pastPublishers'>): boolean {
  return trust.pastPublishers(release.publisher).some((entry) => allows(entry, release))
}

/** The reason given by the revocation under which a release falls; null where there is none. */
function fallenBy(
  release: SignedRelease,
  byDigest: ReadonlyMap<Digest, SignedRelease>,
  trust: StandingTrust,
): string | null {
  const { record, digest, publisher } = release
  const own = trust.revoked.ofRelease(digest, publisher)
  // Of two revocations that ask for different things, to stop is the one that runs nothing unasked.
  if (own.length > 0 && own.every((revocation) => revocation.record.effect === 'fall-back')) {
    return own[0]?.record.reason ?? ''
  }
  for (const { accepted, reason } of trust.revoked.ofPublisher(publisher)) {
    const last = Object.hasOwn(accepted, record.app) ? accepted[record.app] : undefined
    if (last === undefined || !isBehind(digest, hexOf(last), byDigest)) return reason
  }
  return null
}

/** Is `wanted` the release with the digest `from`, or one that it follows? */
function isBehind(wanted: Digest, from: Digest, byDigest: ReadonlyMap<Digest, SignedRelease>): boolean {
  let at: Digest | null = from
  // Numbers need not fall from one to the one before, so the way is bounded by how many there are.
  for (let steps = 0; at !== null && steps <= byDigest.size; steps++) {
    if (at === wanted) return true
    at = byDigest.get(at)?.record.previous ?? null
  }
  return false
}

function newestFirst(a: SignedRelease, b: SignedRelease): number {
  return b.record.seq - a.record.seq || (a.digest < b.digest ? -1 : Number(a.digest > b.digest))
}

function allows(entry: PublisherEntry, { record }: SignedRelease): boolean {
  try {
    requireDelegation(record, entry)
    return true
  } catch (error) {
    if (isSelvedgeError(error, 'ERR_RELEASE_DELEGATION')) return false
    throw error
  }
}

function revoked({ record, publisher }: SignedRelease, reason: string): Error {
  const why = reason === '' ? '' : ` (${reason})`
  return releasesProblems.error(
    'ERR_RELEASE_REVOKED',
    `${record.app} ${record.version} of publisher ${hexOf(publisher).slice(0, 16)}… was revoked${why}`,
  )
}

export function stranger({ record, publisher }: SignedRelease): Error {
  return releasesProblems.error(
    'ERR_RELEASE_STRANGER',
    `${record.app} ${record.version} is signed by ${hexOf(publisher).slice(0, 16)}…, which is no publisher of this mesh`,
  )
}
